"""A silence is an alarm where it is unusual for its channel, at its time of the week."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.silence import Limits, hour_of, stage

LIMITS = Limits(hours=3, floor=timedelta(hours=1), ceiling=timedelta(days=7))
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the days from Monday, 5 January on."""
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def business(days: int = 14) -> set[int]:
    """Heard every hour from 8 to 18 on weekdays, and on Saturday mornings."""
    return {
        hour_of(at(day, hour))
        for day in range(days)
        for hour in range(8, 18)
        if day % 7 < 5 or (day % 7 == 5 and hour < 12)
    }


def until(last: datetime, heard: set[int]) -> set[int]:
    return {hour for hour in heard if hour <= hour_of(last)}


@pytest.mark.parametrize(
    ("last", "now"),
    [
        (at(10, 17, 59), at(11, 8, 30)),  # a night
        (at(11, 17, 59), at(12, 8, 30)),  # the night to a Saturday
        (at(12, 11, 59), at(14, 8, 30)),  # from Saturday noon over a Sunday
        (at(10, 10, 5), at(10, 12, 0)),  # a quiet hour of a Thursday
    ],
    ids=["night", "to saturday", "weekend", "quiet hour"],
)
def test_a_usual_silence_is_none(last: datetime, now: datetime) -> None:
    assert stage(until(last, business(21)), last, now, LIMITS) == 0


def test_a_busy_channel_is_silent_after_three_of_its_hours_and_more_so_the_longer_it_lasts() -> None:
    last = at(15, 10, 5)  # a Tuesday
    heard = until(last, business(21))
    assert stage(heard, last, at(15, 13, 59), LIMITS) == 0
    assert stage(heard, last, at(15, 14, 0), LIMITS) == 1
    assert stage(heard, last, at(15, 17, 0), LIMITS) == 2
    assert stage(heard, last, at(16, 13, 0), LIMITS) == 3  # 12 hours; a night of none is between
    assert stage(heard, last, at(30, 0), LIMITS) == 4


def test_a_channel_that_is_rarely_heard_of_may_be_silent_for_longer() -> None:
    heard = {hour_of(at(day, hour)) for day in (0, 4, 8, 11) for hour in (9, 11, 14, 16)}
    last = at(11, 16, 30)
    assert stage(heard, last, at(15, 23), LIMITS) == 0  # two of its days, as was usual
    assert stage(heard, last, at(18, 12), LIMITS) == 1


def test_one_holiday_makes_no_habit() -> None:
    last = at(15, 10, 5)
    heard = {hour for hour in until(last, business(21)) if not hour_of(at(3, 0)) <= hour < hour_of(at(4, 0))}
    assert stage(heard, last, at(15, 15, 0), LIMITS) == 1  # nine weekdays of ten are a habit all the same


def test_a_new_channel_has_no_habits_and_after_the_ceiling_a_person_looks_all_the_same() -> None:
    last = at(0, 9)
    heard = {hour_of(last)}
    assert stage(heard, last, last + timedelta(days=6, hours=23), LIMITS) == 0
    assert stage(heard, last, last + timedelta(days=7), LIMITS) == 1
    assert stage(set(), last, last + timedelta(days=14), LIMITS) == 2


def test_below_the_floor_nothing_is_silent() -> None:
    heard = {hour_of(at(day, hour)) for day in range(15) for hour in range(24)}
    last = at(14, 0)
    limits = Limits(hours=1, floor=timedelta(hours=5), ceiling=timedelta(days=7))
    assert stage(heard, last, at(14, 4, 59), limits) == 0
    assert stage(heard, last, at(14, 5), limits) == 3


@given(
    st.sets(st.integers(0, 400)),
    st.integers(0, 800),
    st.integers(0, 3_000),
    st.integers(0, 3_000),
)
def test_a_silence_never_becomes_less_by_lasting(offsets: set[int], last: int, first: int, second: int) -> None:
    start = hour_of(MONDAY)
    heard = {start + offset for offset in offsets}
    moment = MONDAY + timedelta(hours=last)
    earlier, later = sorted((first, second))
    assert stage(heard, moment, moment + timedelta(hours=earlier), LIMITS) <= stage(
        heard, moment, moment + timedelta(hours=later), LIMITS
    )
