"""Whether an event was seen before: the verdict that follows from the router's table entry of its key."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from schemas.events import Event, Kind
from streams.revisions import SHELL
from streams.seen import Rejection, Seen

MOST_REJECTIONS: Final = 8
"""So many rejected sightings of a key are remembered, the latest."""


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
    seen = Seen.decode(entry)
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
