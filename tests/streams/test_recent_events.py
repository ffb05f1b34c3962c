"""The last events that were decided, over all partitions of a real broker."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from schemas.events import AcceptedEvent, Decision, Kind
from streams.recent_events import _Newest, recent_events
from streams.topics import EVENT_ACCEPTED
from tests.streams.samples import event
from tests.support.topics import administering, delete

pytestmark = pytest.mark.integration

START_MS = 1_768_512_936_000
PARTITIONS = 3


@pytest.fixture
async def log(hub_kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    """The topic with three partitions, empty, and somebody who writes to it."""
    async with administering(hub_kafka) as admin:
        await admin.create_topics([NewTopic(EVENT_ACCEPTED, PARTITIONS, 1)])
    async with AIOKafkaProducer(bootstrap_servers=hub_kafka) as producer:
        yield producer
    await delete(hub_kafka, [EVENT_ACCEPTED])


async def tell(
    log: AIOKafkaProducer, number: int, at: int, kind: Kind = Kind.ACCEPTED, name: str = "Ana", is_decided: bool = True
) -> None:
    happened = event("a.b", {"name": name}, event_id=f"7d1a2b34-0000-5000-8000-{number:012}")
    fields = {field: getattr(happened, field) for field in happened.__struct_fields__}
    decision = Decision(action="none") if is_decided else None
    value = msgspec.json.encode(AcceptedEvent(**fields, kind=kind, decision=decision))
    await log.send(EVENT_ACCEPTED, value, partition=number % PARTITIONS, timestamp_ms=START_MS + at)


async def numbers(servers: str, count: int) -> list[int]:
    return [int(found.event_id[-12:]) for found in await recent_events({"bootstrap_servers": servers}, count)]


async def test_the_newest_of_all_partitions_come_in_their_order(hub_kafka: str, log: AIOKafkaProducer) -> None:
    assert await numbers(hub_kafka, 5) == []
    for number in range(300):
        await tell(log, number, at=number)
    await log.flush()
    assert await numbers(hub_kafka, 5) == [295, 296, 297, 298, 299]
    assert await numbers(hub_kafka, 200) == list(range(100, 300))
    assert await numbers(hub_kafka, 1_000) == list(range(300))


async def test_of_one_moment_the_last_written_are_the_newest(hub_kafka: str, log: AIOKafkaProducer) -> None:
    for number in range(30):
        await tell(log, 3 * number, at=0)
    await log.flush()
    assert await numbers(hub_kafka, 3) == [81, 84, 87]


async def test_only_the_newest_are_kept_that_there_is_room_for(
    hub_kafka: str, log: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        await tell(log, number, at=number, name="x" * 10_000)
    await log.flush()
    monkeypatch.setattr("streams.recent_events.MOST_BYTES", 210_000)
    assert await numbers(hub_kafka, 300) == list(range(280, 300))
    assert await numbers(hub_kafka, 15) == list(range(285, 300))


def test_what_is_kept_never_takes_much_more_than_its_room() -> None:
    newest = _Newest(1_000)
    for number in range(10_000):
        newest.add(str(number), number // 3, bytes(100))
        assert len(newest.found) <= 12
    newest.fit()
    assert not newest.is_whole
    assert [at for at, _ in newest.found.values()] == [3_330] * 3 + [3_331] * 3 + [3_332] * 3 + [3_333]


def test_an_event_that_is_told_again_takes_room_once() -> None:
    newest = _Newest(1_000)
    for at in range(100):
        newest.add("same", at, bytes(900))
    assert newest.is_whole
    assert newest.found == {"same": (99, bytes(900))}


async def test_an_event_counts_once_as_it_was_told_last_and_sightings_alone_do_not(
    hub_kafka: str, log: AIOKafkaProducer
) -> None:
    for number in range(20):
        await tell(log, number, at=number, kind=Kind.REJECTED)
    await tell(log, 3, at=100, name="Bia")
    for again in range(200):
        await tell(log, again % 20, at=200 + again, kind=Kind.DUPLICATE, is_decided=False)
    await log.send(EVENT_ACCEPTED, b"nonsense", partition=0, timestamp_ms=START_MS + 500)
    await log.flush()
    found = list(await recent_events({"bootstrap_servers": hub_kafka}, 4))
    assert [(one.event_id[-2:], one.payload["name"]) for one in found] == [
        ("17", "Ana"),
        ("18", "Ana"),
        ("19", "Ana"),
        ("03", "Bia"),
    ]
