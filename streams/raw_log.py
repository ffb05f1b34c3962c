"""Records by their places, raw ones and dead letters, read from Kafka by a consumer of no group."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.events import Coordinates
from streams.consumers import stopped
from streams.runtime.fetched import Record

_FETCH_BYTES: Final = 262_144
"""Per partition: what is read ahead is thrown away where the next place lies elsewhere. A larger record comes alone."""


class KafkaRawLog:
    """Topics that are kept for long. `connection`: keyword arguments that every aiokafka client takes."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._connection = connection

    async def read(self, places: Sequence[Coordinates]) -> AsyncGenerator[tuple[Coordinates, Record | None]]:
        """Each place with its record, in the order that is asked for; None where there is none any more."""
        consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        partitions = sorted({(place.topic, place.partition) for place in places})
        consumer.assign([TopicPartition(*partition) for partition in partitions])
        try:
            await consumer.start()
            bounds = _Bounds(consumer)
            for place in places:
                yield place, await _record(consumer, place, bounds)
        finally:
            await stopped(consumer)


class _Bounds:
    """Where partitions begin and end, asked for once: two questions for each place would take longer than reading."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._known: dict[TopicPartition, tuple[int, int]] = {}

    async def hold(self, partition: TopicPartition, offset: int) -> bool:
        """Whether an offset lies in a partition."""
        if partition not in self._known:
            beginning = (await self._consumer.beginning_offsets([partition]))[partition]
            self._known[partition] = beginning, (await self._consumer.end_offsets([partition]))[partition]
        beginning, end = self._known[partition]
        return beginning <= offset < end


async def _record(consumer: AIOKafkaConsumer, place: Coordinates, bounds: _Bounds) -> Record | None:
    partition = TopicPartition(place.topic, place.partition)
    if not await bounds.hold(partition, place.offset):
        return None
    if await consumer.position(partition) != place.offset:
        consumer.seek(partition, place.offset)
    record: Record = await consumer.getone(partition)
    return record if record.offset == place.offset else None
