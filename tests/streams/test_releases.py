"""The keeper of a partition's quarantine, over a table and a raw log in memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiokafka.errors import KafkaConnectionError
from structlog.testing import capture_logs

from schemas import headers
from schemas.events import Coordinates
from streams import quarantine, releases, topics
from streams.identity import canonical_channel
from streams.partitions import partition_of
from streams.quarantine import Held
from streams.releases import Keeper, Surroundings
from streams.runtime import Out
from streams.runtime.fetched import Record
from tests.agents.consumed import Consumed
from tests.streams.sending.world import settle
from tests.streams.test_sightings import Rows
from tests.support.waiting import eventually

PARTITIONS = 8
CHANNEL = "canalum"
PARTITION = partition_of(CHANNEL.encode(), PARTITIONS)


class World:
    """What keepers see: one table, one raw log, and what was published."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.raw_records: dict[Coordinates, Record] = {}
        self.published: list[tuple[str, int, Out]] = []
        self.known: set[str] = set()
        self.refused: list[Exception] = []

    def hold(self, offset: int, value: bytes | None) -> Coordinates:
        """Hold a webhook; its raw record is gone where the value is None."""
        place = Coordinates(topics.RAW_WEBHOOK, 0, offset)
        quarantine.hold(self.rows, CHANNEL, place)
        if value is not None:
            self.raw_records[place] = Consumed(value, topics.RAW_WEBHOOK, offset)
        return place

    def routed(self) -> list[tuple[str, str]]:
        """Where each released event came from, and its text."""
        events = [(dict(out.headers), out.value or b"") for topic, _, out in self.published if topic in _NORMALIZED]
        return [(said["origin"].decode(), msgspec.json.decode(value)["payload"]["text"]) for said, value in events]

    def surroundings(self) -> Surroundings:
        return Surroundings(table=self, publisher=self, raw=self, is_known=self.known.__contains__)

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def items(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        return self.rows.data.items()

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            self.rows.set(key, value)

    async def partitions(self, topic: str) -> int:
        return PARTITIONS

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> None:
        if self.refused:
            raise self.refused.pop()
        self.published += [(*place, out) for place, records in outs.items() for out in records]

    async def read(self, places: Sequence[Coordinates]) -> AsyncGenerator[tuple[Coordinates, Record | None]]:
        for place in places:
            yield place, self.raw_records.get(place)


_NORMALIZED = (topics.EVENT_NORMALIZED,)


def message(number: int, channel: str = "Canal Um") -> bytes:
    body = {"event": "message", "channel": channel, "message": {"id": f"3EB0{number}", "from": "5547999990001"}}
    return msgspec.json.encode(body | {"text": f"mensagem {number}"})


@asynccontextmanager
async def keeping(world: World) -> AsyncIterator[Keeper]:
    keeper = Keeper(PARTITION, world.surroundings())
    await keeper.recover()
    running = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        await keeper.close(0)
        await running


@pytest.fixture
def world() -> World:
    assert canonical_channel("Canal Um") == CHANNEL
    return World()


async def test_nothing_is_released_before_the_channel_is_known_and_then_all_of_it_in_order(world: World) -> None:
    places = [world.hold(offset, message(offset)) for offset in (3, 7, 5)]
    async with keeping(world):
        await asyncio.sleep(0)
        assert world.published == []
        world.known.add(CHANNEL)
        await eventually(lambda: len(world.routed()) == 3)

    assert world.routed() == [(str(place), f"mensagem {place.offset}") for place in places]
    assert {partition for _, partition, _ in world.published} == {PARTITION}


async def test_what_is_held_after_the_start_is_released_too_and_nothing_twice(world: World) -> None:
    world.known.add(CHANNEL)
    async with keeping(world) as keeper:
        await keeper.take([Held(CHANNEL)])
        world.hold(1, message(1))
        await eventually(lambda: len(world.routed()) == 1)
        world.hold(2, message(2))
        await eventually(lambda: len(world.routed()) == 2)

    assert [text for _, text in world.routed()] == ["mensagem 1", "mensagem 2"]


async def test_what_cannot_be_read_any_more_is_a_dead_letter_and_holds_up_nobody(world: World) -> None:
    world.known.add(CHANNEL)
    gone, broken = world.hold(1, None), world.hold(2, b"{")
    world.hold(3, message(3))
    async with keeping(world):
        await eventually(lambda: len(world.routed()) == 1)

    letters = [dict(out.headers) for topic, _, out in world.published if topic == topics.DEAD_LETTER]
    assert [(said["source_offset"], said["error_class"]) for said in letters] == [
        (str(gone.offset).encode(), b"GoneError"),
        (str(broken.offset).encode(), b"NormalizationError"),
    ]
    assert [place.offset for place in quarantine.held(world.rows.get, CHANNEL)] == [3]


async def test_a_new_owner_releases_what_the_former_one_left(world: World) -> None:
    world.hold(1, message(1))
    async with keeping(world):
        await asyncio.sleep(0)
    world.known.add(CHANNEL)

    async with keeping(world):
        await eventually(lambda: len(world.routed()) == 1)


async def test_what_may_not_go_after_all_is_released_again_once_it_may(world: World) -> None:
    world.known.add(CHANNEL)
    place = world.hold(1, message(1))
    async with keeping(world) as keeper:
        await eventually(lambda: len(world.routed()) == 1)
        world.known.discard(CHANNEL)
        await keeper.take([Held(CHANNEL, returned=place)])
        world.known.add(CHANNEL)
        await eventually(lambda: len(world.routed()) == 2)


async def test_what_could_not_be_published_is_published_later(world: World) -> None:
    world.known.add(CHANNEL)
    world.hold(1, message(1))
    world.refused = [KafkaConnectionError()]
    with capture_logs() as logs:
        async with keeping(world):
            await eventually(lambda: len(world.routed()) == 1)
    assert [log["event"] for log in logs].count("quarantine_not_readable") == 1


async def test_a_kafka_that_is_away_fills_no_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "_LOOK", 0.0)
    monkeypatch.setattr(releases, "_LOOK_AFTER_ERROR", 60.0)
    world.known.add(CHANNEL)
    world.hold(1, message(1))
    world.refused = [KafkaConnectionError() for _ in range(10)]
    async with keeping(world):
        await eventually(lambda: len(world.refused) < 10)
        await settle()
    assert len(world.refused) == 9


async def test_a_record_that_makes_no_event_any_more_is_a_dead_letter_and_holds_up_nobody(world: World) -> None:
    world.known.add(CHANNEL)
    world.hold(1, msgspec.json.encode({"event": "presence.update", "channel": "Canal Um"}))
    world.hold(2, message(2, channel="Canal Dois"))
    last = world.hold(3, message(3))
    async with keeping(world):
        await eventually(lambda: len(world.routed()) == 1)

    letters = [dict(out.headers)["source_offset"] for topic, _, out in world.published if topic == topics.DEAD_LETTER]
    assert letters == [b"1", b"2"]
    assert list(quarantine.held(world.rows.get, CHANNEL)) == [last]


async def test_of_a_body_of_which_a_part_is_a_dead_letter_the_others_are_released(world: World) -> None:
    def item(message_id: str) -> dict[str, object]:
        said = {"id": message_id, "from_me": False, "type": "text", "chat_id": "5547999990001@s.whatsapp.net"}
        return said | {"timestamp": 1768512935, "text": {"body": message_id[:8]}}

    event = {"type": "messages", "event": "post"}
    body = {"event": event, "channel_id": "Canal Um", "messages": [item("3EB0AA01"), item("|" * 255)]}
    world.known.add(CHANNEL)
    world.hold(1, msgspec.json.encode(body))
    async with keeping(world):
        await eventually(lambda: len(world.routed()) == 1)

    assert [text for _, text in world.routed()] == ["3EB0AA01"]
    assert {topic for topic, _, _ in world.published} == {topics.EVENT_NORMALIZED}


async def test_what_was_replayed_stays_a_replay(world: World) -> None:
    world.known.add(CHANNEL)
    place = world.hold(1, message(1))
    world.raw_records[place] = Consumed(message(1), topics.RAW_WEBHOOK, 1, headers=[(headers.REPLAY, b"again")])
    async with keeping(world):
        await eventually(lambda: len(world.routed()) == 1)

    assert dict(world.published[0][2].headers)[headers.REPLAY] == b"again"
