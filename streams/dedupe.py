"""Whether an event was seen before: the router's table entry, and the verdict that follows from it."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from schemas.events import Coordinates, Decision, Event, Kind

_encoder: Final = msgspec.msgpack.Encoder()


class Seen(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the router remembers of an idempotency key.

    `raw` is where it was first sighted; where that sighting was rejected and this one corrected it, `corrects` is where
    the rejected one was. `kind` is accepted, rejected or quarantined. `commands` are the bytes that were emitted, to be
    emitted again unchanged. `received_at` is in seconds since the epoch.
    """

    raw: Coordinates
    fingerprint: str
    revision: int
    kind: Kind
    received_at: float
    decision: Decision
    commands: tuple[bytes, ...] = ()
    corrects: Coordinates | None = None

    def encode(self) -> bytes:
        """The table's value."""
        return _encoder.encode(self)


_decode: Final = msgspec.msgpack.Decoder(Seen).decode


class Verdict(StrEnum):
    """What an event is beside what was seen of its key."""

    FIRST = "first"
    REDELIVERY = "redelivery"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    CORRECTED = "corrected"


def judge(entry: bytes | None, event: Event, keep: timedelta) -> tuple[Verdict, Seen | None]:
    """Compare an event with the table's entry of its key.

    The same raw coordinates are a redelivery: what was decided is said again. Other coordinates with the same body are
    a duplicate; with another body a conflict, save that an event which was rejected may come again corrected. An entry
    older than `keep`, by the event's own clock, does not count.
    """
    if entry is None:
        return Verdict.FIRST, None
    seen = _decode(entry)
    if seen.raw == event.raw:
        return Verdict.REDELIVERY, seen
    if seen.corrects == event.raw:  # a redelivery of what was corrected since: nothing new
        return Verdict.DUPLICATE, seen
    if event.received_at.timestamp() - seen.received_at > keep.total_seconds():
        return Verdict.FIRST, None
    if seen.fingerprint == event.fingerprint:
        return Verdict.DUPLICATE, seen
    if seen.kind is Kind.REJECTED:
        return Verdict.CORRECTED, seen
    return Verdict.CONFLICT, seen
