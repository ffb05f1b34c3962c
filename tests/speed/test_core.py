"""The core costs what it did: beside a yardstick that is measured in the same run, whatever else the machine does.

Time of this process alone counts, and the best of many turns of each. A limit is half as much again as what was
measured when it was set: a doubling is seen, a busy machine is not. Where something has become cheaper for good, lower
its limit; where it has to cost more, say in the commit why.
"""

import pytest

from tests.speed import calibration
from tests.speed.work import Work, works

FEWEST, MOST = 15, 120  # turns
WORKS = works()
LIMITS = {
    "normalizer: an event": 6.8,
    "router: an event": 2.8,
    "normalizer: an invoice": 7.3,
    "router: an invoice": 18.2,
    "normalizer: a message": 14.6,
    "router: a message": 5.4,
    "normalizer: an ack": 10.6,
    "router: an ack": 4.6,
    "normalizer: a presence": 2.3,
    "sender: a command": 13.5,
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


@pytest.mark.parametrize("name", WORKS)
def test_it_costs_no_more_than_it_did(name: str) -> None:
    assert ratio(WORKS[name], LIMITS[name]) <= LIMITS[name]
