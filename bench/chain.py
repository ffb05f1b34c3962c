"""The whole chain from raw to accepted, normalizer and router in one process: our runtime beside loops by hand."""

from functools import partial
from typing import Final

from bench.course import CPU, NORMALIZER, ROUTER, SPEED, Course
from bench.processes import Racer
from bench.race import ROUNDS, race
from bench.result import Result

OURS: Final = "posto"
LOOPS: Final = "two aiokafka loops by hand, the table lost"

_PARTITIONS: Final = 8
_FAST: Final = 25_000
_SHARE: Final = 0.5
"""Of the loops' speed; wanted where we are not fast."""


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """Both do our agents' own work. Checked: every event once, in its key's order."""
    total = 20_000 if quick else 200_000
    course = Course(servers, _PARTITIONS, total)
    await course.prepare()
    racers = {OURS: "bench.peers.ours", LOOPS: "bench.peers.loop"}
    standing = await race(
        "chain",
        {name: partial(course.run, Racer(module), [NORMALIZER, ROUTER], total) for name, module in racers.items()},
        1 if quick else ROUNDS,
    )
    is_fast = standing.median(OURS, SPEED) >= _FAST
    ratio = standing.ratio(OURS, LOOPS, at_least=None if is_fast else _SHARE)
    return [*standing.results(), ratio, standing.thrift(OURS, LOOPS, CPU)]
