"""The last events that were decided, read from `event.accepted` by a consumer of no group."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.events import Decision, Event, Kind
from streams.consumers import stopped
from streams.timestamps import milliseconds
from streams.topics import EVENT_ACCEPTED

_DECIDED: Final = frozenset({Kind.ACCEPTED, Kind.UPDATED, Kind.REJECTED, Kind.QUARANTINED})
_WAIT_MS: Final = 500
_FETCH_BYTES: Final = 4_194_304
_ROOM: Final = 1.05
"""So much more than is wanted may be read: to find the very place takes longer than reading on."""
_SLACK: Final = 1.25
"""Sorting is put off until so many times the room is taken."""
MOST_BYTES: Final = 268_435_456
"""So many bytes of events are kept, at most, whatever their count."""


class _Told(msgspec.Struct):
    event_id: str
    kind: Kind
    decision: Decision | None = None


Offsets = Mapping[TopicPartition, int]
_Found = dict[str, tuple[int, bytes]]
"""Of each event the last record: its time and its value."""

_decode_told: Final = msgspec.json.Decoder(_Told).decode
_decode_event: Final = msgspec.json.Decoder(Event).decode


async def recent_events(connection: Mapping[str, Any], count: int) -> Iterator[Event]:
    """The last `count` events of all partitions, the oldest first, each as it was told last. Raises KafkaError.

    An event counts once, however often it was sighted. There are fewer where they would take more than MOST_BYTES.
    `connection`: what every aiokafka client takes.
    """
    consumer = AIOKafkaConsumer(
        **connection,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        check_crcs=False,
    )
    try:
        await consumer.start()
        values = await _values(consumer, count)
    finally:
        await stopped(consumer)
    return map(_decode_event, values)  # one at a time: decoded, they take five times the room


async def _values(consumer: AIOKafkaConsumer, count: int) -> Sequence[bytes]:
    """The values of the last records that decided about an event, the oldest first."""
    log = await _Log.of(consumer)
    found: _Found = {}
    room, is_whole = MOST_BYTES, True
    end = log.ends
    wanted = count
    while is_whole and len(found) < count and end != log.beginnings:
        start = await log.before(end, wanted)
        earlier, is_whole = await log.read(start, end, room)
        found = earlier | found  # what was told later of an event counts
        room = MOST_BYTES - _size(found)
        wanted = max(2 * wanted, count)
        end = start
    return [value for _, value in sorted(found.values(), key=itemgetter(0))[-count:]]


class _Log:
    """The topic between its present beginnings and ends."""

    def __init__(self, consumer: AIOKafkaConsumer, beginnings: Offsets, ends: Offsets) -> None:
        self._consumer = consumer
        self.beginnings, self.ends = beginnings, ends

    @classmethod
    async def of(cls, consumer: AIOKafkaConsumer) -> "_Log":
        await consumer._client.add_topic(EVENT_ACCEPTED)
        await consumer._client.force_metadata_update()
        places = [
            TopicPartition(EVENT_ACCEPTED, number) for number in consumer.partitions_for_topic(EVENT_ACCEPTED) or ()
        ]
        beginnings, ends = await asyncio.gather(consumer.beginning_offsets(places), consumer.end_offsets(places))
        return cls(consumer, beginnings, ends)

    async def before(self, end: Offsets, count: int) -> Offsets:
        """Where to begin to read at least `count` records before `end`, and few more, the newest of all partitions."""
        if _between(self.beginnings, end) <= count * _ROOM:
            return self.beginnings
        early, late = 0, milliseconds(datetime.now(UTC))
        start = self.beginnings
        while late - early > 1:
            middle = (early + late) // 2
            found = await self._consumer.offsets_for_times(dict.fromkeys(end, middle))
            place = {where: min(at.offset, end[where]) if (at := found[where]) else end[where] for where in end}
            read = _between(place, end)
            if read >= count:
                early, start = middle, place
            else:
                late = middle
            if count <= read <= count * _ROOM:
                break
        return start

    async def read(self, start: Offsets, end: Offsets, room: int) -> tuple[_Found, bool]:
        """The events that were decided there, the newest of them that take `room` bytes, and whether these are all."""
        left = {place for place in end if start[place] < end[place]}
        self._consumer.assign(sorted(left))
        for place in left:
            self._consumer.seek(place, start[place])
        newest = _Newest(room)
        while left:
            for place, records in (await self._consumer.getmany(*left, timeout_ms=_WAIT_MS)).items():
                for record in records:
                    if record.offset < end[place] and (told := _told(record.value)) is not None:
                        newest.add(told.event_id, record.timestamp, record.value)
            passed = {place for place in left if await self._consumer.position(place) >= end[place]}
            left -= passed
            if passed:
                self._consumer.pause(*passed)
        newest.fit()
        return newest.found, newest.is_whole


class _Newest:
    """Keeps the last record of each event, and drops the oldest where they take more than `room` bytes."""

    def __init__(self, room: int) -> None:
        self.found: _Found = {}
        self._room = room
        self._taken = 0
        self._since: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was dropped."""
        return self._since is None

    def add(self, event_id: str, at: int, value: bytes) -> None:
        """Keep a record, unless newer ones were dropped already; somewhat more than the room may be taken."""
        if self._since is not None and at <= self._since:
            return
        self._taken += len(value) - len(self.found.get(event_id, (0, b""))[1])
        self.found[event_id] = at, value
        if self._taken > self._room * _SLACK:
            self.fit()

    def fit(self) -> None:
        """Drop the oldest until the rest fits, with all of the same time."""
        if self._taken <= self._room:
            return
        for event_id, (at, value) in sorted(self.found.items(), key=lambda one: one[1][0]):
            if self._taken <= self._room and at != self._since:
                break
            del self.found[event_id]
            self._taken -= len(value)
            self._since = at


def _told(value: bytes | None) -> _Told | None:
    """What a record says of its event, if that was decided by it."""
    try:
        told = _decode_told(value or b"")
    except (ValueError, RecursionError):
        return None
    return told if told.decision is not None and told.kind in _DECIDED else None


def _size(found: _Found) -> int:
    return sum(len(value) for _, value in found.values())


def _between(start: Offsets, end: Offsets) -> int:
    return sum(end[place] - start[place] for place in end)
