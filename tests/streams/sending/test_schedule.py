from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sending.schedule import LONGEST_RETRY_AFTER, Schedule, spread
from tests.streams.sending.world import START, command, seconds

SCHEDULE = Schedule(waits=(1.0, 5.0, 30.0), max_attempts=8)
MIDDLE = 0.5


def wait(attempt: int, at: float = MIDDLE, retry_after: float | None = None) -> timedelta:
    due = SCHEDULE.retry_at(START, attempt, at, retry_after)
    assert due is not None
    return due - START


@pytest.mark.parametrize(("attempt", "expected"), [(1, 1), (2, 5), (3, 30), (4, 30), (7, 30)])
def test_waits_grow_by_the_schedule_and_the_last_one_repeats(attempt: int, expected: float) -> None:
    assert wait(attempt) == seconds(expected)


def test_after_the_last_attempt_there_is_none() -> None:
    assert SCHEDULE.retry_at(START, 7, MIDDLE) is not None
    assert SCHEDULE.retry_at(START, 8, MIDDLE) is None


def test_jitter_moves_a_wait_by_a_quarter_either_way() -> None:
    assert wait(3, 0.0) == seconds(22.5)
    assert wait(3, 1.0) == seconds(37.5)


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, 5), (60, 60), (2, 5), (-1, 5), (315_360_000, LONGEST_RETRY_AFTER)]
)
def test_retry_after_is_a_lower_bound_within_reason(asked: float | None, expected: float) -> None:
    assert wait(2, retry_after=asked) == seconds(expected)


@given(st.text(), st.integers(1, 100))
def test_spread_is_a_fraction_and_can_be_repeated(name: str, attempt: int) -> None:
    assert 0 <= spread(name, attempt) <= 1
    assert spread(name, attempt) == spread(name, attempt)


def test_commands_that_failed_together_do_not_come_back_together() -> None:
    assert len({spread(command(str(number)).command_id, 1) for number in range(100)}) > 90
