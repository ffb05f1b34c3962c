"""The log on a real Kafka: what is appended lies there, byte for byte and in order."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from adapters.edge.kafka import KafkaLog, make_producer
from adapters.edge.log import Entry, LogUnavailableError
from tests.adapters.edge.readiness import is_ready, reason
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

PARTITIONS = 4


@pytest.fixture
async def topic(kafka: str) -> str:
    """A topic of this test's own that takes large records."""
    name = f"edge.{os.urandom(6).hex()}"
    await create(kafka, name)
    return name


async def create(kafka: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs={"max.message.bytes": "17000000"})])
    finally:
        await admin.close()


@asynccontextmanager
async def log_on(kafka: str, topic: str) -> AsyncIterator[KafkaLog]:
    """A log with a connection, which may not be ready yet."""

    async def connect() -> Any:
        producer = make_producer({"bootstrap_servers": kafka})
        await producer.start()
        return producer

    log = KafkaLog(connect, (topic,), timeout_seconds=20)
    async with log:
        yield log


async def records(kafka: str, topic: str, count: int) -> Sequence[Any]:
    """The first records of a topic, in the order of each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, max_partition_fetch_bytes=20_000_000)
    async with consumer:
        consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        found: list[Any] = []

        async def fetched() -> bool:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found.extend(batch)
            return len(found) >= count

        await eventually(fetched, timeout=20)
    return found


async def test_entries_lie_in_kafka_byte_for_byte_in_the_partition_of_their_key(kafka: str, topic: str) -> None:
    values = {f"channel-{number}".encode(): os.urandom(300 * number) for number in range(20)}
    headers = [("raw_id", b"r-1"), ("content-type", b"application/json")]
    async with log_on(kafka, topic) as log:
        await eventually(lambda: is_ready(log))
        await log.append([Entry(topic, key, value, headers) for key, value in values.items()])
    found = await records(kafka, topic, len(values))
    assert {record.key: record.value for record in found} == values
    assert all(list(record.headers) == headers for record in found)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as usual:
        for record in found:
            assert (await usual.send_and_wait(topic, b"", record.key)).partition == record.partition


async def test_entries_of_one_key_keep_their_order_whoever_appends_them(kafka: str, topic: str) -> None:
    entries = [Entry(topic, b"canalum", b"%d" % number, []) for number in range(2000)]
    async with log_on(kafka, topic) as log:
        await eventually(lambda: is_ready(log))
        await asyncio.gather(*(log.append([entry]) for entry in entries))
    found = await records(kafka, topic, len(entries))
    assert [record.value for record in found] == [entry.value for entry in entries]
    assert {record.partition for record in found} == {found[0].partition}


async def test_entries_without_a_key_are_spread(kafka: str, topic: str) -> None:
    async with log_on(kafka, topic) as log:
        await eventually(lambda: is_ready(log))
        await log.append([Entry(topic, None, b"%d" % number, []) for number in range(40)])
    assert {record.partition for record in await records(kafka, topic, 40)} == set(range(PARTITIONS))


async def test_an_entry_of_sixteen_megabytes_is_kept_among_small_ones(kafka: str, topic: str) -> None:
    values = [b"before", os.urandom(16_777_216), b"after"]
    async with log_on(kafka, topic) as log:
        await eventually(lambda: is_ready(log))
        await asyncio.gather(*(log.append([Entry(topic, b"canalum", value, [])]) for value in values))
    assert [record.value for record in await records(kafka, topic, 3)] == values


async def test_an_entry_that_kafka_refuses_fails_alone_and_the_log_goes_on(kafka: str, topic: str) -> None:
    async with log_on(kafka, topic) as log:
        await eventually(lambda: is_ready(log))
        with pytest.raises(LogUnavailableError, match="refused"):
            await log.append([Entry(topic, b"canalum", b"x" * 17_500_000, [])])
        await log.append([Entry(topic, b"canalum", b"fits", [])])
    assert [record.value for record in await records(kafka, topic, 1)] == [b"fits"]


async def test_a_topic_that_is_not_there_is_waited_for_and_never_made_by_accident(kafka: str) -> None:
    topic = f"edge.{os.urandom(6).hex()}"
    async with log_on(kafka, topic) as log:
        with pytest.raises(LogUnavailableError):
            await log.append([Entry(topic, None, b"1", [])])
        await eventually(lambda: _lacks(log, topic))
        await create(kafka, topic)
        await eventually(lambda: is_ready(log))
        await log.append([Entry(topic, None, b"2", [])])
    assert [record.value for record in await records(kafka, topic, 1)] == [b"2"]


async def _lacks(log: KafkaLog, topic: str) -> bool:
    return f"lacks the topic {topic}" in str(await reason(log))
