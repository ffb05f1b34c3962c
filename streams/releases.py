"""Releases what is held in quarantine: once its channel has an owner, its events come to the router again, in order.

They are read from the raw log, where they have lain all the time, and written to `event.normalized` with the header
`origin`. A crash in between releases some of them twice; the router then says again what it said.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

import msgspec
import structlog
from aiokafka.errors import KafkaError

from schemas import headers
from schemas.events import Coordinates, Event
from streams import quarantine, topics
from streams.envelope import event_headers
from streams.normalization.errors import NormalizationError
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from streams.normalization.records import normalize
from streams.partitions import partition_of
from streams.quarantine import Held
from streams.runtime.dead_letters import dead_letter, header
from streams.runtime.fetched import Record
from streams.runtime.owners import Owners
from streams.runtime.publisher import Out

log = structlog.get_logger()

_STAGE: Final = "quarantine"
_LOOK: Final = 0.25  # seconds between two looks for a channel that was registered
_LOOK_AFTER_ERROR: Final = 2.0

_encode: Final = msgspec.json.Encoder().encode


class GoneError(LookupError):
    """A held event cannot be read from the raw log any more, or what is read there is none."""


class Table(Protocol):
    """The router's table (`streams.runtime.BatchTable`)."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...

    def items(self, partition: int) -> Iterable[tuple[bytes, bytes]]: ...

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None: ...


class Publisher(Protocol):
    """Writes records, each acknowledged by all in-sync replicas (`streams.runtime.Publisher`)."""

    async def partitions(self, topic: str) -> int: ...

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> Any: ...


class RawLog(Protocol):
    """The topics of raw records, read by place."""

    def read(self, places: Sequence[Coordinates]) -> AsyncGenerator[tuple[Coordinates, Record | None]]:
        """Each place with its record, None where there is none any more."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the keepers share; `is_known` tells whether a channel has an owner."""

    table: Table
    publisher: Publisher
    raw: RawLog
    is_known: Callable[[str], bool]


class Keeper:
    """Keeps the quarantine of one partition, and releases what may go."""

    def __init__(self, partition: int, around: Surroundings) -> None:
        self._partition = partition
        self._around = around
        self._channels: set[str] = set()
        self._under_way: defaultdict[str, set[Coordinates]] = defaultdict(set)
        self._closing = asyncio.Event()

    async def recover(self) -> None:
        """Learn from the table what is held."""
        rows = self._around.table.items(self._partition)
        self._channels = {channel for key, _ in rows if (channel := quarantine.channel_of(key)) is not None}

    async def take(self, inputs: Sequence[Held]) -> None:
        """Learn of channels of which something is being put into the table, and of what stays there after all."""
        for channel, returned in inputs:
            self._channels.add(channel)
            if returned is not None:
                self._under_way[channel].discard(returned)

    async def run(self) -> None:
        """Release what may go, until closed."""
        while not self._closing.is_set():
            has_failed = False
            for channel in sorted(self._channels):
                if self._around.is_known(channel) and not self._closing.is_set():
                    has_failed |= not await self._try_to_release(channel)
            try:
                await asyncio.wait_for(self._closing.wait(), _LOOK_AFTER_ERROR if has_failed else _LOOK)
            except TimeoutError:
                continue

    def start_nothing_more(self) -> None:
        """What is held stays held for the next owner."""
        self._closing.set()

    async def close(self, grace: float) -> None:
        """Hand the partition over."""
        self._closing.set()

    async def _try_to_release(self, channel: str) -> bool:
        try:
            await self._release(channel)
        except KafkaError as error:
            log.warning("quarantine_not_readable", channel=channel, partition=self._partition, error=repr(error))
            return False
        return True

    async def _release(self, channel: str) -> None:
        present = list(islice(quarantine.held(self._get, channel), quarantine.AT_ONCE))
        under_way = self._under_way[channel]
        under_way.intersection_update(present)
        wanted = [place for place in present if place not in under_way]
        if not wanted:
            return
        log.info("quarantine_released", channel=channel, partition=self._partition, records=len(wanted))
        async with aclosing(self._around.raw.read(wanted)) as found:
            async for place, record in found:
                if self._closing.is_set():
                    return
                under_way.add(place)
                try:
                    await self._put(channel, place, record)
                except KafkaError:
                    under_way.discard(place)
                    raise

    async def _put(self, channel: str, place: Coordinates, record: Record | None) -> None:
        try:
            if record is None:
                raise GoneError(f"the event that was held for channel {channel} is not in the raw log any more")
            outs = await self._outs(channel, place, record)
        except (ValueError, LookupError) as error:
            await self._give_up(channel, place, record, error)
            return
        await self._around.publisher.publish({(topics.EVENT_NORMALIZED, self._partition): outs})

    async def _outs(self, channel: str, place: Coordinates, record: Record) -> list[Out]:
        """The events that are held by a place; another version of the normalizer may find none there."""
        count = await self._around.publisher.partitions(topics.EVENT_NORMALIZED)
        replay = header(record.headers, headers.REPLAY)
        outs = [
            Out(key, _encode(event), event_headers(event, replay=replay, origin=str(place).encode()))
            for event in await asyncio.to_thread(_events, record)
            if event.channel == channel and partition_of(key := event.stream_key.encode(), count) == self._partition
        ]
        if not outs:
            raise GoneError(f"what was held for channel {channel} is no event of it any more")
        return outs

    async def _give_up(
        self, channel: str, place: Coordinates, record: Record | None, error: ValueError | LookupError
    ) -> None:
        """Leave a dead letter, and let those behind it go."""
        letter = dead_letter(_STAGE, record or _Gone(place.topic, place.partition, place.offset), error)
        count = await self._around.publisher.partitions(topics.DEAD_LETTER)
        place_of_letter = topics.DEAD_LETTER, partition_of(letter.key or b"", count)
        await self._around.publisher.publish({place_of_letter: [letter]})
        row = quarantine.row_of(self._get, channel, place)
        if row is not None:
            await self._around.table.write(self._partition, {row: None})

    def _get(self, key: bytes) -> bytes | None:
        return self._around.table.get(self._partition, key)


class Keepers(Owners[Held]):
    """The keepers of a worker: one for each partition that it owns. `fatal` is told of an error that ended one."""

    def __init__(self, around: Surroundings, *, fatal: Callable[[BaseException], None]) -> None:
        super().__init__(lambda partition: Keeper(partition, around), grace=0.0, fatal=fatal)


@dataclass(frozen=True, slots=True)
class _Gone:
    """What is left of a record: its place."""

    topic: str
    partition: int
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def _events(record: Record) -> list[Event]:
    raw = RawRecord.of(record.topic, record.partition, record.offset, record.timestamp, record.headers)
    try:
        found = normalize(record.topic, record.value, raw)
    except NormalizationError as error:  # what is wrong with the others of a body was said when they came
        if not error.read:
            raise
        found = error.read
    return [] if isinstance(found, Noise) else [event for event, _ in found]
