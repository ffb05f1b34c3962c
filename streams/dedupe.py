"""Whether an event was seen before: the router's table entry, and the verdict that follows from it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from schemas.events import Coordinates, Decision, Event, Kind
from streams.revisions import SHELL

_encoder: Final = msgspec.msgpack.Encoder()


MOST_REJECTIONS: Final = 8
"""So many rejected sightings of a key are remembered, the latest."""


class Update(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A later sighting that told more; `is_routed` where it was the first that could be decided.

    `redrive` is that of the record by which it was decided, if it was redriven.
    """

    raw: Coordinates
    revision: int
    is_routed: bool
    redrive: str | None = None


class Rejection(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sighting that was rejected and corrected since: where it was, what was said of it, and the one before it."""

    topic: str
    partition: int
    offset: int
    decision: Decision | None = None
    before: "Rejection | None" = None

    def is_at(self, place: Coordinates) -> bool:
        """Whether it was there."""
        return (self.topic, self.partition, self.offset) == (place.topic, place.partition, place.offset)


class Seen(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the router remembers of an idempotency key.

    `raw` is where it was first sighted; where that sighting was rejected and this one corrected it, `corrects` is the
    rejected one. `fingerprint` and `revision` are those of the sighting that told most. `kind` is accepted, rejected or
    quarantined. `commands` are the bytes that were emitted, to be emitted again unchanged. `received_at` is in seconds
    since the epoch. `redrive` is that of the record by which it was decided, if it was redriven.
    """

    raw: Coordinates
    fingerprint: str
    revision: int
    kind: Kind
    received_at: float
    decision: Decision
    commands: tuple[bytes, ...] = ()
    corrects: Rejection | None = None
    updates: tuple[Update, ...] = ()
    redrive: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the first revision that can be decided is still to come."""
        return self.revision == SHELL or self.kind is Kind.QUARANTINED

    def update(self, event: Event) -> Update | None:
        """The update that an event is another delivery of."""
        for update in self.updates:
            if update.raw == event.raw and update.revision == event.revision:
                return update
        return None

    def rejection(self, event: Event) -> Rejection | None:
        """The rejected sighting that an event is another delivery of, where it was corrected since."""
        found = self.corrects
        while found is not None and not found.is_at(event.raw):
            found = found.before
        return found

    def redrive_of(self, event: Event) -> str | None:
        """By which redrive the sighting was decided that an event is another delivery of."""
        update = self.update(event)
        return update.redrive if update else self.redrive

    def encode(self) -> bytes:
        """The table's value."""
        return _encoder.encode(self)


_decode: Final = msgspec.msgpack.Decoder(Seen).decode


def is_older(entry: bytes, moment: datetime) -> bool:
    """Whether a row of the table is what is remembered of a key, and that of an event received before a moment."""
    try:
        return _decode(entry).received_at < moment.timestamp()
    except ValueError:  # a row of the quarantine
        return False


class Verdict(StrEnum):
    """What an event is beside what was seen of its key."""

    FIRST = "first"
    REDELIVERY = "redelivery"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    CORRECTED = "corrected"
    SUPERSEDED = "superseded"
    UPGRADE = "upgrade"


def judge(entry: bytes | None, event: Event, keep: timedelta) -> tuple[Verdict, Seen | None]:
    """Compare an event with the table's entry of its key.

    The same raw coordinates are a redelivery: what was decided is said again. Other coordinates are an upgrade where
    they tell more and contradict nothing, a duplicate where they tell as much or less, and else a conflict, save that
    an event which was rejected may come again corrected; what was rejected is superseded then. An entry older than
    `keep`, by the event's own clock, does not count.
    """
    if entry is None:
        return Verdict.FIRST, None
    seen = _decode(entry)
    if seen.raw == event.raw and event.revision > seen.revision:  # one record tells it twice, and now more of it
        return _compare(seen, event), seen
    if seen.raw == event.raw or (seen.updates and seen.update(event)):
        return Verdict.REDELIVERY, seen
    if seen.rejection(event):
        return Verdict.SUPERSEDED, seen
    if event.received_at.timestamp() - seen.received_at > keep.total_seconds():
        return Verdict.FIRST, None
    return _compare(seen, event), seen


def corrected(seen: Seen) -> Rejection:
    """What is remembered of a rejected sighting once another one corrects it."""
    raw = seen.raw
    return _newest(Rejection(raw.topic, raw.partition, raw.offset, seen.decision, seen.corrects), MOST_REJECTIONS)


def _newest(rejection: Rejection, count: int) -> Rejection:
    before = rejection.before
    kept = _newest(before, count - 1) if before is not None and count > 1 else None
    return rejection if kept is before else msgspec.structs.replace(rejection, before=kept)


def _compare(seen: Seen, event: Event) -> Verdict:
    """A shell contradicts nothing, whatever stands in it."""
    is_same = seen.fingerprint == event.fingerprint or SHELL in (seen.revision, event.revision)
    if is_same:
        return Verdict.UPGRADE if event.revision > seen.revision else Verdict.DUPLICATE
    return Verdict.CORRECTED if seen.kind is Kind.REJECTED else Verdict.CONFLICT
