"""The topic of alarms: read from its beginning, and written so that each alarm has a beginning and an end."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from schemas.alarms import Alarm, AlarmKind
from streams import topics
from streams.alarms import Alarms
from streams.consumers import stopped

log = structlog.get_logger()

_WAIT_MS: Final = 500

_decode: Final = msgspec.json.Decoder(Alarm).decode


class AlarmLog:
    """Knows which alarms stand, and writes what changes."""

    def __init__(self, known: Alarms, producer: AIOKafkaProducer) -> None:
        self._known = known
        self._producer = producer

    async def settle(self, wanted: Iterable[Alarm], kinds: Collection[AlarmKind], at: datetime) -> None:
        """Let exactly `wanted` stand of these kinds; nothing is written of what stands already. Raises KafkaError."""
        for alarm in self._known.changes(wanted, kinds, at):
            await self._write(alarm)

    async def tell(self, alarm: Alarm) -> None:
        """Say one alarm, or its end, unless the log says so already. Raises KafkaError."""
        if self._known.is_news(alarm):
            await self._write(alarm)

    async def _write(self, alarm: Alarm) -> None:
        await self._producer.send_and_wait(topics.OPS_ALARM, msgspec.json.encode(alarm), key=alarm.subject.encode())
        self._known.learn(alarm)
        if alarm.is_over:
            log.info("alarm_over", kind=alarm.kind, subject=alarm.subject)
        else:
            log.error("alarm", kind=alarm.kind, subject=alarm.subject, stage=alarm.stage, message=alarm.message)


@asynccontextmanager
async def alarm_log(kafka: Mapping[str, Any]) -> AsyncIterator[AlarmLog]:
    """The log with all that stands in it. Raises KafkaError where the broker is away."""
    known = await read_alarms(kafka)
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        yield AlarmLog(known, producer)
    finally:
        await producer.stop()


async def read_alarms(kafka: Mapping[str, Any]) -> Alarms:
    """What the log says up to its present end. Raises KafkaError."""
    alarms = Alarms()
    consumer = AIOKafkaConsumer(
        topics.OPS_ALARM, **kafka, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        if topics.OPS_ALARM not in await consumer.topics():  # the client would ask again and again without a pause
            raise UnknownTopicOrPartitionError(f"no topic {topics.OPS_ALARM}")
        for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
            while await consumer.position(partition) < end:
                for record in (await consumer.getmany(partition, timeout_ms=_WAIT_MS)).get(partition, ()):
                    _learn(alarms, record.value)
    finally:
        await stopped(consumer)
    return alarms


def _learn(alarms: Alarms, value: bytes | None) -> None:
    try:
        alarms.learn(_decode(value or b""))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("alarm_unreadable", error=str(error))
