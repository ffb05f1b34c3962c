"""How far the workers are behind, asked of Kafka alone: it needs no worker that answers."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from streams import topics
from streams.consumers import stopped

_FETCH_BYTES: Final = 4_096  # of a partition: its first record is what is wanted; a larger one comes alone
_WAIT_MS: Final = 100


class Lag(msgspec.Struct, frozen=True):
    """How many records of a topic the workers have not committed, and when the oldest of them was written."""

    topic: str
    records: int
    oldest_at: datetime | None


async def read_lags(kafka: Mapping[str, Any], group: str = topics.APP_ID) -> list[Lag]:
    """The lag of each topic that the workers take, in the order of the flow. Raises KafkaError.

    Markers of transactions are no records: one that stands after the last record is no lag.
    """
    consumer = AIOKafkaConsumer(
        **kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_WAIT_MS,
    )
    try:
        _, (places, committed) = await asyncio.gather(consumer.start(), _committed(kafka, group))
        consumer.assign(places)  # all topics at once: the client would ask for them one after the other
        consumer.pause(*places)
        ends = await consumer.end_offsets(places)
        behind = [place for place in places if committed.get(place, 0) < ends[place]]
        waiting = await _first_records(consumer, {place: committed.get(place, 0) for place in behind}, ends)
    finally:
        await stopped(consumer)
    there = {place.topic for place in places}
    return [_lag(topic, waiting, ends) for topic in topics.WORKED if topic in there]


async def _committed(kafka: Mapping[str, Any], group: str) -> tuple[list[TopicPartition], dict[TopicPartition, int]]:
    """The partitions that the workers take, and the position of each that has one."""
    admin = AIOKafkaAdminClient(**kafka)
    try:
        await admin.start()
        described = await admin.describe_topics(list(topics.WORKED))
        places = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:  # the first group of a broker: its topic is being made
        return places, {}
    finally:
        await admin.close()
    return places, {place: at.offset for place, at in offsets.items() if at.offset >= 0}


async def _first_records(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Any]:
    """The first record of each partition from where it was committed; none where only markers follow."""
    found: dict[TopicPartition, Any] = {}
    left = set(starts)
    for place, start in starts.items():
        consumer.seek(place, start)
        consumer.resume(place)
    while left:
        for place, records in (await consumer.getmany(*left, timeout_ms=_WAIT_MS, max_records=len(left))).items():
            found[place] = records[0]
        passed = {place for place in left if place in found or await consumer.position(place) >= ends[place]}
        left -= passed
        if passed:
            consumer.pause(*passed)
    return found


def _lag(topic: str, waiting: Mapping[TopicPartition, Any], ends: Mapping[TopicPartition, int]) -> Lag:
    mine = {place: record for place, record in waiting.items() if place.topic == topic}
    oldest = min((record.timestamp for record in mine.values()), default=None)
    return Lag(
        topic=topic,
        records=sum(ends[place] - record.offset for place, record in mine.items()),
        oldest_at=None if oldest is None else datetime.fromtimestamp(oldest / 1000, UTC),
    )
