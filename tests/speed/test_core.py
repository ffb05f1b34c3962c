"""The core costs what it did: beside a yardstick that is measured in the same run, whatever else the machine does.

Time of this process alone counts, and the best of many turns of each. A limit is 1.6 times what was measured when it
was set: a doubling is seen, a busy machine is not. Where something has become cheaper for good, lower its limit; where
it has to cost more, say in the commit why.
"""

import pytest

from tests.speed import calibration
from tests.speed.work import Work, works

FEWEST, MOST = 15, 120  # turns
LIMITS = {
    "normalizer: an event": 6.2,
    "router: an event": 2.7,
    "normalizer: an invoice": 6.8,
    "router: an invoice": 16.6,
    "normalizer: a message": 13.5,
    "router: a message": 5.0,
    "normalizer: an ack": 10.3,
    "router: an ack": 4.3,
    "normalizer: a presence": 1.8,
    "sender: a command": 12.9,
}
"""Steps of the yardstick for one record, or one command from its taking to its delivery."""


def ratio(work: Work, limit: float) -> float:
    """How many steps of the yardstick one thing takes; measured on while it is too many."""
    best, yardstick = work(), calibration.turn()
    for turn in range(MOST):
        if turn >= FEWEST and best <= limit * yardstick:
            break
        best, yardstick = min(best, work()), min(yardstick, calibration.turn())
    return best / yardstick


@pytest.fixture(scope="module")
def every() -> dict[str, Work]:
    return works()


def test_everything_has_a_limit(every: dict[str, Work]) -> None:
    assert every.keys() == LIMITS.keys()


@pytest.mark.parametrize("name", LIMITS)
def test_it_costs_no_more_than_it_did(every: dict[str, Work], name: str) -> None:
    assert ratio(every[name], LIMITS[name]) <= LIMITS[name]
