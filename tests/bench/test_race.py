from collections.abc import Iterator
from itertools import count

import pytest

from bench.race import Lap, Run, race


@pytest.fixture
def ran() -> list[str]:
    return []


def _runner(name: str, ran: list[str], speeds: Iterator[float]) -> Run:
    async def run() -> Lap:
        ran.append(name)
        return {"events/s": next(speeds), "MB": 10.0}

    return run


async def test_everybody_runs_in_every_round_and_somebody_else_begins(ran: list[str]) -> None:
    await race("b", {name: _runner(name, ran, count(1.0)) for name in ("us", "one", "two")}, rounds=3)
    assert ran == ["us", "one", "two", "one", "two", "us", "two", "us", "one"]


async def test_a_racer_has_the_median_and_the_spread_of_its_rounds(ran: list[str]) -> None:
    standing = await race("b", {"us": _runner("us", ran, iter([30.0, 10.0, 11.0]))}, rounds=3)
    speed, memory = standing.results()
    assert (speed.figure, speed.value, speed.low, speed.high, speed.unit) == ("us", 11.0, 10.0, 30.0, "events/s")
    assert (memory.value, memory.unit) == (10.0, "MB")


async def test_a_ratio_is_taken_within_each_round(ran: list[str]) -> None:
    speeds = {"us": [10.0, 40.0, 90.0], "peer": [5.0, 10.0, 100.0]}
    standing = await race("b", {name: _runner(name, ran, iter(each)) for name, each in speeds.items()}, rounds=3)
    ratio = standing.ratio("us", "peer", at_least=2.5)
    assert (ratio.value, ratio.low, ratio.high, ratio.unit) == (2.0, 0.9, 4.0, "times")
    assert not ratio.is_met


async def test_a_cost_is_compared_within_each_round(ran: list[str]) -> None:
    standing = await race("b", {name: _runner(name, ran, count(1.0)) for name in ("us", "peer")}, rounds=1)
    thrift = standing.thrift("us", "peer", "MB")
    assert (thrift.figure, thrift.value) == ("MB of peer beside us", 1.0)
