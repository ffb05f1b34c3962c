"""An outage of Kafka under traffic: webhooks at a rate, before it, in it and after it, and what came of them."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pymysql
from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka import started
from infra.stack.supervision import Supervisor
from streams import topics
from tests.support.stack import Stack
from tests.support.waiting import eventually

_CHANNELS = 20
_FIRST_TENANT = 900_000
_BEFORE_AND_AFTER_SECONDS = 3.0


@dataclass
class Outcome:
    """What was sent and what of it is where, by channel in the order of the log."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)
    """The raw ids that were answered 202, by channel, in the order of the requests."""
    raw: dict[str, list[str]] = field(default_factory=dict)
    """The raw ids in `raw.webhook`."""
    sent: dict[str, list[int]] = field(default_factory=dict)
    accepted: dict[str, list[int]] = field(default_factory=dict)
    """The numbers of the accepted events in `event.accepted`; one that a worker said again, as after a crash, once."""
    caught_up_seconds: float = 0.0
    """From Kafka's return until all of them were accepted."""

    @property
    def p99_ms(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000

    @property
    def doubles(self) -> int:
        """Raw records beyond one for each raw id."""
        return sum(len(ids) - len(set(ids)) for ids in self.raw.values())


async def outage(stack: Stack, *, rate: int, away_seconds: float) -> Outcome:
    """Stop the stack's Kafka for so long while `rate` webhooks a second come in; return once all are accepted."""
    run = os.urandom(4).hex()
    channels = [f"outage {run} {number}" for number in range(_CHANNELS)]
    outcome = Outcome()
    await asyncio.to_thread(_register, stack, channels)
    try:
        starts = {topic: await _ends(stack, topic) for topic in (topics.RAW_WEBHOOK, topics.EVENT_ACCEPTED)}
        ends_at = time.monotonic() + away_seconds + 2 * _BEFORE_AND_AFTER_SECONDS
        async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=_CHANNELS)) as http:
            posting = [
                asyncio.create_task(_post(http, stack, channel, _CHANNELS / rate, ends_at, outcome))
                for channel in channels
            ]
            back_at = await _take_away(stack, away_seconds)
            await asyncio.gather(*posting)
        outcome.accepted = await _read_accepted(stack, starts[topics.EVENT_ACCEPTED], outcome.sent)
        outcome.caught_up_seconds = time.monotonic() - back_at
        outcome.raw = await _read_raw(stack, starts[topics.RAW_WEBHOOK], outcome.kept)
    finally:
        await asyncio.to_thread(_forget, stack)
    return outcome


async def _take_away(stack: Stack, seconds: float) -> float:
    """When Kafka was started again."""
    supervisor = Supervisor(stack.layout)
    await asyncio.sleep(_BEFORE_AND_AFTER_SECONDS)
    away_until = time.monotonic() + seconds
    await asyncio.to_thread(supervisor.stop, "kafka")
    await asyncio.sleep(away_until - time.monotonic())
    await asyncio.to_thread(supervisor.start, "kafka")
    return time.monotonic()


async def _post(
    http: httpx.AsyncClient, stack: Stack, channel: str, interval: float, ends_at: float, outcome: Outcome
) -> None:
    """Post one channel's webhooks, each after the answer to the one before."""
    headers = {"X-Webhook-Secret": stack.env["PIXELHUB_WHATSAPP_WEBHOOK_SECRET"]}
    kept, sent = outcome.kept.setdefault(channel, []), outcome.sent.setdefault(channel, [])
    due = time.monotonic()
    number = 0
    while due < ends_at:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        began = time.monotonic()
        answer = await http.post(f"{stack.edge}/api/whatsapp/webhook", json=_message(channel, number), headers=headers)
        outcome.seconds.append(time.monotonic() - began)
        outcome.statuses[answer.status_code] += 1
        if answer.status_code == httpx.codes.ACCEPTED:
            kept.append(answer.json()["raw_id"])
            sent.append(number)
        number += 1
        due += interval


def _message(channel: str, number: int) -> dict[str, Any]:
    chat = "5547999990001@c.us"
    message = {"id": f"false_{chat}_{os.urandom(8).hex().upper()}", "from": chat, "to": chat, "text": str(number)}
    return {"event": "message", "session": {"id": channel}, "message": message | {"timestamp": int(time.time())}}


async def _read_accepted(stack: Stack, start: dict[TopicPartition, int], sent: dict[str, list[int]]) -> dict[str, Any]:
    found: dict[str, list[int]] = {_canonical(channel): [] for channel in sent}

    said: set[tuple[Any, ...]] = set()

    def take(record: Any) -> None:
        event = msgspec.json.decode(record.value)
        decided = (event["event_id"], *event["raw"].values())
        if event["kind"] == "accepted" and event.get("channel") in found and decided not in said:
            said.add(decided)
            found[event["channel"]].append(int(event["payload"]["text"]))

    await _read(stack, start, take, lambda: sum(map(len, found.values())) >= sum(map(len, sent.values())))
    return {channel: found[_canonical(channel)] for channel in sent}


async def _read_raw(stack: Stack, start: dict[TopicPartition, int], kept: dict[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {channel: [] for channel in kept}

    def take(record: Any) -> None:
        channel = msgspec.json.decode(record.value).get("session", {}).get("id")
        if channel in found:
            found[channel].append(dict(record.headers)["raw_id"].decode())

    await _read(stack, start, take, lambda: all(set(kept[channel]) <= set(found[channel]) for channel in kept))
    return found


async def _read(stack: Stack, start: dict[TopicPartition, int], take: Any, is_enough: Any) -> None:
    consumer = await started(
        lambda: AIOKafkaConsumer(bootstrap_servers=stack.kafka, max_partition_fetch_bytes=20_000_000)
    )
    try:
        consumer.assign(list(start))
        for place, offset in start.items():
            consumer.seek(place, offset)

        async def read_on() -> bool:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    take(record)
            return bool(is_enough())

        await eventually(read_on, 180, because="not all of what was answered 202 is there")
    finally:
        await consumer.stop()


async def _ends(stack: Stack, topic: str) -> dict[TopicPartition, int]:
    async with AIOKafkaConsumer(bootstrap_servers=stack.kafka) as consumer:
        places = [TopicPartition(topic, number) for number in range(stack.settings().posto_partitions)]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return ends


def _canonical(channel: str) -> str:
    return channel.replace(" ", "")


def _register(stack: Stack, channels: Sequence[str]) -> None:
    _forget(stack, publish=False)
    rows = [(_FIRST_TENANT + number, channel) for number, channel in enumerate(channels)]
    with closing(_connection(stack)) as database, database.cursor() as cursor:
        cursor.executemany("INSERT INTO tenants (id, name) VALUES (%s, %s)", rows)
        cursor.executemany("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)", rows)
    stack.posto("publish", "--force")


def _forget(stack: Stack, *, publish: bool = True) -> None:
    with closing(_connection(stack)) as database, database.cursor() as cursor:
        cursor.execute("DELETE FROM tenant_message_channels WHERE tenant_id >= %s", (_FIRST_TENANT,))
        cursor.execute("DELETE FROM tenants WHERE id >= %s", (_FIRST_TENANT,))
    if publish:
        stack.posto("publish", "--force")


def _connection(stack: Stack) -> Any:
    address = stack.settings().mysql
    return pymysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        database=address.database,
        autocommit=True,
    )
