"""The log `delivery.status` in a real Kafka."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from schemas.deliveries import DeliveryFact, FactKind
from streams.deliveries import Delivery, record
from streams.runtime import Publisher
from streams.sending.log import KafkaStatusLog
from tests.streams.sending.world import START, command, seconds
from tests.support.topics import administering, delete, read

pytestmark = pytest.mark.integration
PARTITION = 1


class Written:
    """A log of its own, with its topic."""

    def __init__(self, log: KafkaStatusLog, servers: str, topic: str) -> None:
        self.log = log
        self.servers = servers
        self.topic = topic

    async def from_offset(self, start: int, partition: int = PARTITION) -> list[tuple[int, DeliveryFact]]:
        return [found async for found in self.log.read(partition, start)]


@pytest_asyncio.fixture
async def written(kafka: str) -> AsyncIterator[Written]:
    topic = f"delivery.status.{os.urandom(4).hex()}"
    async with administering(kafka) as admin:
        await admin.create_topics([NewTopic(topic, 2, 1)])
    async with AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all") as producer:
        log = KafkaStatusLog(Publisher(lambda: producer), {"bootstrap_servers": kafka}, topic=topic)
        yield Written(log, kafka, topic)
    await delete(kafka, [topic])


def facts(count: int) -> list[DeliveryFact]:
    delivery = Delivery.of(command())
    made = []
    for attempt in range(1, count + 1):
        at = START + seconds(attempt)
        delivery, fact = record(delivery, FactKind.ATTEMPT_STARTED, at, attempt=attempt)
        made.append(fact)
    return made


async def test_facts_are_read_as_they_were_written_under_their_offsets(written: Written) -> None:
    first, second = facts(3), facts(5)[3:]
    assert list(await written.log.append(PARTITION, first)) == [0, 1, 2]
    assert list(await written.log.append(PARTITION, second)) == [3, 4]
    assert await written.from_offset(0) == list(enumerate([*first, *second]))
    assert await written.from_offset(3) == [(3, second[0]), (4, second[1])]


@pytest.mark.parametrize("start", [0, 5])
async def test_an_empty_partition_is_read_without_waiting(written: Written, start: int) -> None:
    assert await written.from_offset(start, partition=0) == []


async def test_nothing_is_left_to_read_at_the_end(written: Written) -> None:
    await written.log.append(PARTITION, facts(2))
    assert await written.from_offset(2) == []


async def test_a_log_that_ends_before_the_snapshot_is_read_from_its_beginning(written: Written) -> None:
    await written.log.append(PARTITION, facts(2))
    assert [offset for offset, _ in await written.from_offset(50)] == [0, 1]


async def test_a_fact_is_keyed_by_its_channel_and_says_in_headers_what_it_is(written: Written) -> None:
    (fact,) = facts(1)
    await written.log.append(PARTITION, [fact])
    (found,) = await read(written.servers, written.topic)
    headers = dict(found.headers)
    assert (found.key, found.partition) == (b"canalum", PARTITION)
    assert headers["ce_id"] == f"{fact.command_id}:attempt_started:1".encode()
    assert headers["ce_type"] == b"delivery.attempt_started"
    assert (headers["trace_id"], headers["tenant_id"]) == (fact.trace_id.encode(), b"1")
