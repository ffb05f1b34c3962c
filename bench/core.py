"""What a record of each kind costs the functions of normalizer and router, and a command the sender's state machine.

Time of this process, without what carries the records: fetching, writing, the table's changelog.
"""

import asyncio
import statistics
from typing import Final

from bench.result import Result
from tests.speed.work import Work, works

TURNS: Final = 50


async def measure(*, quick: bool) -> list[Result]:
    """All take turns, since the machine drifts."""
    return await asyncio.to_thread(_measured, TURNS // 5 if quick else TURNS)


def _measured(turns: int) -> list[Result]:
    every = works()
    laps = [{name: _microseconds(work) for name, work in every.items()} for _ in range(turns)]
    return [_result(name, [lap[name] for lap in laps]) for name in every]


def _result(name: str, taken: list[float]) -> Result:
    return Result("core", name, statistics.median(taken), "us", low=min(taken), high=max(taken))


def _microseconds(work: Work) -> float:
    return work() * 1e6
