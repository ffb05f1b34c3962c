"""What an event costs us from raw to accepted as the backlog grows: the same for the last one as for the first."""

from functools import partial
from typing import Final

from bench.course import CPU, MEMORY, Course
from bench.race import ROUNDS, race
from bench.result import Result
from bench.scale import OURS, STAGES

_PARTITIONS: Final = 8
_BACKLOGS: Final = (10_000, 100_000)
_LONGEST: Final = 2_000_000
_FLAT: Final = 1.15


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """The longest runs once: it takes minutes. Checked: every event once, in its key's order."""
    longest = _LONGEST // 50 if quick else _LONGEST
    course = Course(servers, _PARTITIONS, longest)
    await course.prepare()
    few = [events for events in _BACKLOGS if events < longest]
    runs = {_name(events): partial(course.run, OURS, STAGES, events) for events in few}
    short = await race("growth", runs, 1 if quick else ROUNDS)
    long = await race("growth", {_name(longest): partial(course.run, OURS, STAGES, longest)}, 1)
    cost, memory = ((long.median(_name(longest), unit), short.median(_name(few[-1]), unit)) for unit in (CPU, MEMORY))
    millions = (longest - few[-1]) / 1e6
    return [
        *short.results(),
        *long.results(),
        Result(
            "growth", f"cost of an event, {longest:,} beside {few[-1]:,}", cost[0] / cost[1], "times", at_most=_FLAT
        ),
        Result(
            "growth",
            "memory of a million events more, their keys in the table",
            (memory[0] - memory[1]) / millions,
            "MB",
        ),
    ]


def _name(events: int) -> str:
    return f"a backlog of {events:,}"
