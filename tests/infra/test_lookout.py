"""One look-out of all workers notices a channel that has fallen silent, and that it is heard of again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from adapters.mysql.pool import Database
from infra.kafka import connection
from infra.lookout import Lookout
from infra.settings import Settings
from schemas import event_types
from schemas.alarms import Alarm, AlarmKind
from streams import topics
from tests.infra.test_configuration import author
from tests.support.topics import read
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

CHANNELS = (
    "INSERT INTO tenants (id, name) VALUES (1, 'A'), (2, 'B'), (3, 'C')",
    "INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (1, 'Busy'), (2, 'Silent')",
    "INSERT INTO tenant_message_channels (tenant_id, channel_id, is_enabled) VALUES (3, 'Disabled', FALSE)",
)


async def heard(
    db: Database, channel: str, hours_ago: Sequence[float], what: str = event_types.INBOUND_MESSAGE
) -> None:
    """Put events of a channel into the tables, received so long ago."""
    now = datetime.now(UTC)
    values: list[object] = []
    for number, hours in enumerate(hours_ago):
        received = (now - timedelta(hours=hours)).replace(tzinfo=None)
        values += [str(uuid4()), f"{channel}-{what}-{number}-{now}", what, channel, received, received]
    await db.execute(_EVENTS + ", ".join([_EVENT] * len(hours_ago)), values)


_EVENTS = (
    "INSERT INTO communication_events (event_id, idempotency_key, event_type, channel_id, occurred_at, received_at, "
    "source_system, trace_id, kind, status, action, raw_topic, raw_partition, raw_offset, fingerprint, revision, "
    "precedence, payload, metadata) VALUES "
)
_EVENT = (
    "(%s, %s, %s, %s, %s, %s, 'wpp_gateway', 't', 'accepted', 'processed', 'chat', 'raw.webhook', 0, 0, 'f', 1, "
    "1, '{}', '{}')"
)


async def said(hub: Settings) -> list[Alarm]:
    records = await read(hub.kafka_bootstrap_servers, topics.OPS_ALARM)
    return [msgspec.json.decode(record.value, type=Alarm) for record in records]


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_a_channel_that_falls_silent_is_an_alarm_until_it_is_heard_of_again(hub: Settings, db: Database) -> None:
    await author(
        db, *CHANNELS, "INSERT INTO channel_health (channel_id, last_ack_at) VALUES ('busy', UTC_TIMESTAMP(6))"
    )
    always = [hour + 0.01 for hour in range(24 * 9)]  # on every day of the week
    await heard(db, "busy", always)
    await heard(db, "silent", always[5:])
    await heard(db, "disabled", always[5:])
    await heard(db, "silent", [0.5], event_types.CONNECTION_UPDATE)  # the gateway's word is no sign of life
    lookout, next_one = (Lookout(hub.model_copy(update={"posto_lookout_seconds": 0.1})) for _ in range(2))

    async def stages() -> list[tuple[str, int, bool]]:
        return [(alarm.subject, alarm.stage, alarm.is_over) for alarm in await said(hub)]

    await lookout.start()
    await eventually(stages, 20)
    assert (age := metric("posto_channel_silence_seconds", channel="busy", sign="ack")) is not None
    assert age < 60
    assert metric("posto_dead_letters_waiting") == 0
    await eventually(lambda: metric("posto_alarms", kind="channel_silent") == 1)
    await lookout.stop()
    assert metric("posto_dead_letters_waiting") is None

    await next_one.start()
    await eventually(lambda: metric("posto_dead_letters_waiting") == 0, 20)
    await heard(db, "silent", [0.0], event_types.DELIVERY_ACK)

    async def is_over() -> bool:
        return (await stages())[-1][2]

    await eventually(is_over, 20)
    await next_one.stop()
    assert await stages() == [("silent", 1, False), ("silent", 1, True)]
    assert (await said(hub))[0].kind is AlarmKind.CHANNEL_SILENT


async def test_while_the_tables_are_behind_no_channel_is_judged(hub: Settings, db: Database) -> None:
    await author(db, *CHANNELS)
    await heard(db, "silent", [hour + 5.01 for hour in range(24 * 9)])
    async with AIOKafkaProducer(**connection(hub)) as producer:
        before = int((datetime.now(UTC) - timedelta(minutes=5)).timestamp() * 1000)
        await producer.send_and_wait(topics.EVENT_ACCEPTED, b"{}", timestamp_ms=before)
    lookout = Lookout(hub.model_copy(update={"posto_lookout_seconds": 0.1}))
    with capture_logs() as logs:
        await lookout.start()
        await eventually(lambda: [entry["event"] for entry in logs].count("lookout_waits") >= 2, 20)
        await lookout.stop()
    assert await said(hub) == []
