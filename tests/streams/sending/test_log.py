"""The log `delivery.status` in a real Kafka."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic

from schemas.deliveries import DeliveryFact, FactKind
from streams.deliveries import Delivery, record
from streams.runtime import BrokenInvariantError, OwnershipLostError
from streams.sending.log import KafkaStatusLog
from tests.streams.sending.world import START, command, seconds
from tests.support.topics import administering, delete, read
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
PARTITION = 1


class Written:
    """A log of its own, with its topic, and its owners: `log` is the first."""

    def __init__(self, servers: str, topic: str) -> None:
        self.servers = servers
        self.topic = topic
        self.owners: list[KafkaStatusLog] = []
        self.log = self.owner()

    def owner(self) -> KafkaStatusLog:
        """One more process that may come to own partitions."""
        self.owners.append(KafkaStatusLog({"bootstrap_servers": self.servers}, topic=self.topic))
        return self.owners[-1]

    async def from_offset(self, start: int, partition: int = PARTITION) -> list[tuple[int, DeliveryFact]]:
        return [found async for found in self.log.read(partition, start)]


@pytest_asyncio.fixture
async def written(kafka: str) -> AsyncIterator[Written]:
    topic = f"delivery.status.{os.urandom(4).hex()}"
    async with administering(kafka) as admin:
        await admin.create_topics([NewTopic(topic, 2, 1)])
    of_topic = Written(kafka, topic)
    await of_topic.log.claim(PARTITION)
    yield of_topic
    for owner in of_topic.owners:
        await owner.let_go(PARTITION)
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


async def test_who_did_not_claim_a_partition_cannot_append(written: Written) -> None:
    with pytest.raises(BrokenInvariantError):
        await written.owner().append(PARTITION, facts(1))


@pytest.mark.parametrize("committed", [False, True])
async def test_once_another_owner_has_claimed_a_partition_the_former_one_cannot_append(
    written: Written, committed: bool
) -> None:
    first, second = facts(2)
    await written.log.append(PARTITION, [first])
    if committed:
        await eventually(lambda: _last_committed(written))
    other = written.owner()
    await other.claim(PARTITION)
    assert [fact for _, fact in await written.from_offset(0)] == [first]
    for _ in range(2):
        with pytest.raises(OwnershipLostError):
            await written.log.append(PARTITION, [second])
    await other.append(PARTITION, [second])
    assert [fact for _, fact in await written.from_offset(0)] == [first, second]


async def test_offsets_stay_exact_across_commits_and_owners(written: Written) -> None:
    """The ends of transactions take offsets of their own."""
    said = facts(3)
    placed = [*await written.log.append(PARTITION, said[:1])]
    await eventually(lambda: _last_committed(written))
    placed += await written.log.append(PARTITION, said[1:2])
    other = written.owner()
    await other.claim(PARTITION)
    placed += await other.append(PARTITION, said[2:])
    assert placed == [0, 2, 4]
    assert await written.from_offset(0) == list(zip(placed, said, strict=True))
    assert await written.from_offset(placed[1] + 1) == [(placed[2], said[2])]


async def test_nothing_is_left_open_where_nothing_is_written(written: Written) -> None:
    await written.log.append(PARTITION, facts(1))
    await eventually(lambda: _last_committed(written))
    await written.log.let_go(PARTITION)
    assert await written.from_offset(1) == []


async def _last_committed(written: Written) -> bool:
    """Whether a reader of committed records alone sees all that there is."""
    place = TopicPartition(written.topic, PARTITION)
    async with AIOKafkaConsumer(
        bootstrap_servers=written.servers, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as reader:
        reader.assign([place])
        end = (await reader.end_offsets([place]))[place]
        found = await reader.getmany(place, timeout_ms=1000)
        return sum(map(len, found.values())) > 0 and await reader.position(place) == end
