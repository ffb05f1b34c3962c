"""Peers side by side: each runs once a round, in an order that rotates, and is compared within its round."""

import statistics
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from bench.result import Result

Lap = Mapping[str, float]
"""What one run showed, by unit; the first is what the race is about."""
Run = Callable[[], Awaitable[Lap]]

ROUNDS = 3


class Standing:
    """The laps of every racer, by round."""

    def __init__(self, bench: str, laps: Mapping[str, Sequence[Lap]]) -> None:
        self._bench = bench
        self._laps = laps

    def results(self) -> list[Result]:
        """Every racer's median and spread."""
        return [
            _result(self._bench, name, [lap[unit] for lap in laps], unit)
            for name, laps in self._laps.items()
            for unit in laps[0]
        ]

    def median(self, name: str, unit: str) -> float:
        """A racer's median."""
        return statistics.median(lap[unit] for lap in self._laps[name])

    def ratio(self, ours: str, peer: str, *, at_least: float | None = None) -> Result:
        """How many times as fast as a peer we are: the median of the rounds' ratios, since the machine drifts."""
        unit = next(iter(self._laps[ours][0]))
        ratios = [own[unit] / other[unit] for own, other in self._rounds(ours, peer)]
        return _result(self._bench, f"{ours} beside {peer}", ratios, "times", at_least)

    def thrift(self, ours: str, peer: str, cost: str) -> Result:
        """How many times as much of a cost a peer has; steadier than speed where others use the machine as well."""
        ratios = [other[cost] / own[cost] for own, other in self._rounds(ours, peer)]
        return _result(self._bench, f"{cost} of {peer} beside {ours}", ratios, "times")

    def _rounds(self, ours: str, peer: str) -> Iterator[tuple[Lap, Lap]]:
        return zip(self._laps[ours], self._laps[peer], strict=True)


async def race(bench: str, runs: Mapping[str, Run], rounds: int = ROUNDS) -> Standing:
    """Let everybody run in every round; who begins changes from round to round."""
    names = list(runs)
    laps: dict[str, list[Lap]] = {name: [] for name in names}
    for each in range(rounds):
        first = each % len(names)
        for name in names[first:] + names[:first]:
            laps[name].append(await runs[name]())
    return Standing(bench, laps)


def _result(bench: str, figure: str, values: Sequence[float], unit: str, at_least: float | None = None) -> Result:
    return Result(bench, figure, statistics.median(values), unit, at_least=at_least, low=min(values), high=max(values))
