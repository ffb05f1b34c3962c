"""What an event costs us from raw to accepted, by partitions and by workers."""

from functools import partial
from typing import Final

from bench.course import NORMALIZER, ROUTER, Course
from bench.processes import Racer
from bench.race import ROUNDS, Run, race
from bench.result import Result

OURS: Final = Racer("bench.peers.ours")
STAGES: Final = (NORMALIZER, ROUTER)

_PARTITIONS: Final = (1, 4, 16)
_WORKERS: Final = (1, 2)


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """We race against ourselves; the broker has the same two cores. Checked: every event once, in its key's order."""
    events, rounds = (10_000, 1) if quick else (100_000, ROUNDS)
    results: list[Result] = []
    for partitions in _PARTITIONS:
        course = Course(servers, partitions, events)
        await course.prepare()
        runs: dict[str, Run] = {f"{partitions} partitions": partial(course.run, OURS, STAGES, events)}
        if partitions == _PARTITIONS[-1]:
            for workers in _WORKERS:
                name = f"{partitions} partitions, {workers} workers, events that come while they run"
                runs[name] = partial(course.run_several, OURS, STAGES, events, workers)
        results += (await race("scale", runs, rounds)).results()
    return results
