import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import failpoints
from streams.failpoints import FailpointError, arm, reach
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm({})


def test_nothing_happens_where_nothing_is_armed() -> None:
    arm({"POSTO_FAILPOINTS": ""})
    reach("sender.answered")


def test_it_acts_at_the_nth_time_alone() -> None:
    arm({"POSTO_FAILPOINTS": "sender.answered=error@2"})
    reach("sender.answered")
    reach("sender.before_request")
    with pytest.raises(FailpointError, match="answered"):
        reach("sender.answered")
    reach("sender.answered")


def test_a_place_can_be_that_of_one_stage() -> None:
    arm({"POSTO_FAILPOINTS": "runtime.settled[router]=error"})
    reach("runtime.settled", "normalizer")
    with pytest.raises(FailpointError):
        reach("runtime.settled", "router")


def test_what_was_reached_and_what_was_done_is_on_record(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arm({"POSTO_FAILPOINTS": "runtime.settled[router]=error@2", "POSTO_FAILPOINTS_LOG": str(log)})
    reach("runtime.settled", "router")
    with pytest.raises(FailpointError):
        reach("runtime.settled", "router")
    assert [line.split()[:2] for line in log.read_text().splitlines()] == [
        ["reached", "runtime.settled"],
        ["reached", "runtime.settled[router]"],
        ["error", "runtime.settled[router]"],
    ]


@pytest.mark.parametrize("spelling", ["sender.answered", "sender.answered=explode", "a=kill@first", "a=pause:long"])
def test_what_is_not_spelled_as_it_must_keeps_a_process_from_starting(spelling: str) -> None:
    with pytest.raises(ValueError, match="POSTO_FAILPOINTS"):
        arm({"POSTO_FAILPOINTS": spelling})


def test_kill_leaves_no_time_for_anything() -> None:
    assert _child("here=kill").wait(20) == -signal.SIGKILL


async def test_a_pause_stops_the_whole_process_and_ends_by_itself() -> None:
    child = _child("here=pause:0.3")
    began = time.monotonic()
    await eventually(lambda: child.poll() is not None, 20)
    assert child.returncode == 0
    assert time.monotonic() - began >= 0.3


def test_a_place_costs_less_than_a_microsecond_while_nothing_is_armed() -> None:
    times = 100_000
    began = time.process_time()
    for _ in range(times):
        failpoints.reach("sender.answered")
    assert time.process_time() - began < times * 1e-6


def _child(points: str) -> "subprocess.Popen[bytes]":
    code = "import os; from streams import failpoints; failpoints.arm(os.environ); failpoints.reach('here')"
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "POSTO_FAILPOINTS": points})
