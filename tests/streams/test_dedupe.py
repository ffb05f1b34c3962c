"""What an event is beside what was seen of its key."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Coordinates, Decision, Event, Kind
from streams.dedupe import MOST_REJECTIONS, Verdict, corrected, judge
from streams.seen import Rejection, Seen

KEEP = timedelta(days=30)
FIRST = Coordinates("raw.event", 3, 7)
ELSEWHERE = Coordinates("raw.event", 5, 1)
RECEIVED = datetime(2026, 1, 15, 12, tzinfo=UTC)


def event(*, raw: Coordinates = FIRST, fingerprint: str = "a", received_at: datetime = RECEIVED) -> Event:
    return Event(
        event_id="e",
        idempotency_key="k",
        event_type="billing.invoice.overdue",
        source_system="billing",
        stream_key="k",
        fingerprint=fingerprint,
        trace_id="t",
        occurred_at=received_at,
        received_at=received_at,
        raw=raw,
    )


def entry(kind: Kind = Kind.ACCEPTED, corrects: Rejection | None = None) -> bytes:
    return Seen(
        raw=FIRST,
        fingerprint="a",
        revision=1,
        kind=kind,
        received_at=RECEIVED.timestamp(),
        decision=Decision(action="whatsapp"),
        commands=(b"{}",),
        corrects=corrects,
    ).encode(0)


def test_an_unknown_key_is_a_first_sighting() -> None:
    assert judge(None, event(), KEEP) == (Verdict.FIRST, None)


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.REJECTED, Kind.QUARANTINED])
@pytest.mark.parametrize("fingerprint", ["a", "b"])
def test_the_same_coordinates_are_a_redelivery_whatever_was_decided(kind: Kind, fingerprint: str) -> None:
    verdict, seen = judge(entry(kind), event(fingerprint=fingerprint), KEEP)

    assert verdict is Verdict.REDELIVERY
    assert seen is not None
    assert seen.commands == (b"{}",)


def test_the_same_body_elsewhere_is_a_duplicate() -> None:
    assert judge(entry(), event(raw=ELSEWHERE), KEEP)[0] is Verdict.DUPLICATE


def test_another_body_under_the_same_key_is_a_conflict() -> None:
    assert judge(entry(), event(raw=ELSEWHERE, fingerprint="b"), KEEP)[0] is Verdict.CONFLICT


def test_a_rejected_event_may_come_again_corrected_but_not_unchanged() -> None:
    assert judge(entry(Kind.REJECTED), event(raw=ELSEWHERE, fingerprint="b"), KEEP)[0] is Verdict.CORRECTED
    assert judge(entry(Kind.REJECTED), event(raw=ELSEWHERE), KEEP)[0] is Verdict.DUPLICATE


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.REJECTED, Kind.QUARANTINED])
def test_a_rejected_sighting_that_comes_again_after_its_correction_is_superseded(kind: Kind) -> None:
    before = Rejection(ELSEWHERE.topic, ELSEWHERE.partition, ELSEWHERE.offset)
    for seen in (entry(kind, before), entry(kind, Rejection("raw.event", 0, 0, before=before))):
        assert judge(seen, event(raw=ELSEWHERE, fingerprint="b"), KEEP)[0] is Verdict.SUPERSEDED
        late = event(raw=ELSEWHERE, fingerprint="b", received_at=RECEIVED + 2 * KEEP)
        assert judge(seen, late, KEEP)[0] is Verdict.SUPERSEDED


def test_of_many_corrections_the_latest_are_remembered() -> None:
    seen = Seen.decode(entry(Kind.REJECTED))
    for offset in range(20):
        raw = Coordinates("raw.event", 3, offset)
        seen = msgspec.structs.replace(seen, raw=raw, corrects=corrected(seen))

    places = [Coordinates("raw.event", 3, offset) for offset in range(19)]
    assert [place for place in places if seen.rejection(event(raw=place))] == places[-MOST_REJECTIONS:]


@pytest.mark.parametrize("fields", [7, 8, 9])
@pytest.mark.parametrize("corrects", [None, ELSEWHERE])
def test_an_entry_of_an_earlier_time_still_reads(fields: int, corrects: Coordinates | None) -> None:
    """Then nobody remembered corrections, what was said of what they correct, or redrives."""
    old = msgspec.msgpack.decode(msgspec.msgpack.encode(Seen.decode(entry())))
    old[7] = msgspec.to_builtins(corrects)
    verdict, _ = judge(msgspec.msgpack.encode(old[:fields]), event(raw=ELSEWHERE), KEEP)

    assert verdict is (Verdict.SUPERSEDED if corrects and fields > 7 else Verdict.DUPLICATE)


@given(st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=60)))
def test_an_entry_counts_for_as_long_as_it_is_kept_by_the_events_own_clock(later: timedelta) -> None:
    verdict, _ = judge(entry(), event(raw=ELSEWHERE, received_at=RECEIVED + later), KEEP)

    assert verdict is (Verdict.FIRST if later > KEEP else Verdict.DUPLICATE)
