from datetime import timedelta

import pytest

from streams.errands.schedule import LONGEST_RETRY_AFTER, Schedule
from tests.streams.sending.world import START

SCHEDULE = Schedule(waits=(30.0, 60.0))


@pytest.mark.parametrize(
    ("attempts", "retry_after", "wait"),
    [
        (1, None, 30),
        (2, None, 60),
        (3, None, None),
        (3, 5, None),
        (1, 10, 30),
        (1, 45, 45),
        (2, 1e12, LONGEST_RETRY_AFTER),
    ],
)
def test_the_next_try(attempts: int, retry_after: float | None, wait: float | None) -> None:
    due = SCHEDULE.next_due(START, attempts, retry_after)

    assert due == (None if wait is None else START + timedelta(seconds=wait))


def test_without_waits_there_is_one_try() -> None:
    assert Schedule(waits=()).next_due(START, 1) is None
