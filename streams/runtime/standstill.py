"""Finds the partition that has work before it and does not move."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

PlaceT = TypeVar("PlaceT", bound=Hashable)

_LONGEST_STEP: Final = 2.0
"""A look counts for two intervals at most: a process that was frozen has not stood still all that time."""


class Sign(NamedTuple):
    """What a look sees of a partition.

    `moves` changes whenever it comes a step further. One that `has_work` is false of, or that waits for something
    outside and says so (`is_excused`), does not stand still.
    """

    moves: Hashable
    has_work: bool
    is_excused: bool = False


@dataclass(frozen=True, slots=True)
class Standing(Generic[PlaceT]):
    """A partition that stands still, and for how many seconds by now."""

    place: PlaceT
    seconds: float


class Standstill(Generic[PlaceT]):
    """Adds up how long each partition has stood still. `interval`: seconds between two looks."""

    def __init__(self, interval: float) -> None:
        self._longest = interval * _LONGEST_STEP
        self._looked: float | None = None
        self._seen: dict[PlaceT, tuple[Hashable, float]] = {}

    def look(self, now: float, signs: Mapping[PlaceT, Sign]) -> Standing[PlaceT] | None:
        """Take a look at all partitions at a time of a steady clock; the one that has stood still longest."""
        step = 0.0 if self._looked is None else min(now - self._looked, self._longest)
        self._looked = now
        standing: dict[PlaceT, tuple[Hashable, float]] = {}
        for place, sign in signs.items():
            if sign.has_work and not sign.is_excused:
                moves, seconds = self._seen.get(place, (None, 0.0))
                is_still = place in self._seen and moves == sign.moves
                standing[place] = sign.moves, seconds + step if is_still else 0.0
        self._seen = standing
        if not standing:
            return None
        place = max(standing, key=lambda one: standing[one][1])
        return Standing(place, standing[place][1])

    def forget(self) -> None:
        """Begin anew: what was seen says nothing, as in a rebalance or while Kafka is away."""
        self._seen.clear()
        self._looked = None
