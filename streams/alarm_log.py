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
from streams.alarms import Alarms, Standing
from streams.consumers import stopped

log = structlog.get_logger()

_WAIT_MS: Final = 500

_decode: Final = msgspec.json.Decoder(Alarm).decode


class AlarmReader:
    """Reads the topic, from its beginning and then on. All methods but `stop` raise KafkaError."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        """`kafka`: keyword arguments that every aiokafka client takes."""
        self.alarms = Alarms()
        self._consumer = AIOKafkaConsumer(
            topics.OPS_ALARM, **kafka, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )

    async def start(self) -> None:
        """Connect; to be called once."""
        await self._consumer.start()
        if topics.OPS_ALARM not in await self._consumer.topics():  # the client would ask again without a pause
            raise UnknownTopicOrPartitionError(f"no topic {topics.OPS_ALARM}")

    async def stop(self) -> None:
        """Disconnect."""
        await stopped(self._consumer)

    async def catch_up(self) -> Alarms:
        """What all that was written before this call says."""
        for partition, end in (await self._consumer.end_offsets(self._consumer.assignment())).items():
            while await self._consumer.position(partition) < end:
                for record in (await self._consumer.getmany(partition, timeout_ms=_WAIT_MS)).get(partition, ()):
                    _learn(self.alarms, record.value)
        return self.alarms


class AlarmLog:
    """Knows which alarms stand, and writes what changes."""

    def __init__(self, reader: AlarmReader, producer: AIOKafkaProducer) -> None:
        self._reader = reader
        self._producer = producer

    async def standing(self) -> list[Standing]:
        """What stands, whoever said it. Raises KafkaError."""
        return (await self._reader.catch_up()).standing()

    async def settle(self, wanted: Iterable[Alarm], kinds: Collection[AlarmKind], at: datetime) -> None:
        """Let exactly `wanted` stand of these kinds; nothing is written of what stands already. Raises KafkaError."""
        for alarm in self._reader.alarms.changes(wanted, kinds, at):
            await self._write(alarm)

    async def tell(self, alarm: Alarm) -> None:
        """Say one alarm, or its end, unless somebody said so already. Raises KafkaError."""
        if (await self._reader.catch_up()).is_news(alarm):
            await self._write(alarm)

    async def _write(self, alarm: Alarm) -> None:
        await self._producer.send_and_wait(topics.OPS_ALARM, msgspec.json.encode(alarm), key=alarm.subject.encode())
        self._reader.alarms.learn(alarm)
        if alarm.is_over:
            log.info("alarm_over", kind=alarm.kind, subject=alarm.subject)
        else:
            log.error("alarm", kind=alarm.kind, subject=alarm.subject, stage=alarm.stage, message=alarm.message)


@asynccontextmanager
async def alarm_log(kafka: Mapping[str, Any]) -> AsyncIterator[AlarmLog]:
    """The log with all that stands in it. Raises KafkaError where the broker is away."""
    async with _reading(kafka) as reader:
        producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
        try:
            await producer.start()
            yield AlarmLog(reader, producer)
        finally:
            await producer.stop()


async def read_alarms(kafka: Mapping[str, Any]) -> Alarms:
    """What the log says up to its present end. Raises KafkaError."""
    async with _reading(kafka) as reader:
        return reader.alarms


@asynccontextmanager
async def _reading(kafka: Mapping[str, Any]) -> AsyncIterator[AlarmReader]:
    reader = AlarmReader(kafka)
    try:
        await reader.start()
        await reader.catch_up()
        yield reader
    finally:
        await reader.stop()


def _learn(alarms: Alarms, value: bytes | None) -> None:
    try:
        alarms.learn(_decode(value or b""))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("alarm_unreadable", error=str(error))
