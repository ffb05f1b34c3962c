"""Whether a channel has been silent for longer than is usual for it."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, Self

HISTORY: Final = timedelta(days=14)
"""So much of what was before the silence says what is usual."""

_FEWEST_HOURS: Final = 12
"""A channel that was heard in fewer hours than this has no habits yet."""
_TIMES: Final = 2.0
_FAR: Final = timedelta(days=60)
"""A silence that is longer makes no difference."""
_LAST_STAGE: Final = 4
_SATURDAY: Final = 5

Slot = tuple[int, int]
"""A kind of day (weekday, Saturday, Sunday) and an hour of it, in UTC."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a channel is silent.

    Silence is counted in hours in which the channel is usually heard of: nights count nothing. `hours` of them must
    have passed, and twice as many as in its second longest silence of the last two weeks. Never before `floor`; after
    `ceiling`, whatever is usual.
    """

    hours: float
    floor: timedelta
    ceiling: timedelta


def hour_of(at: datetime) -> int:
    """The number of the hour since the epoch."""
    return int(at.timestamp()) // 3600


def stage(heard: Collection[int], last: datetime, now: datetime, limits: Limits) -> int:
    """0 where it is not silent; else 1, and one more each time that the silence has become twice as long.

    `heard` are the hours in which there was a sign of life, `last` is when the last one was.
    """
    silence = now - last
    excess = silence / limits.ceiling
    if silence >= limits.floor:
        habits = _Habits.of(heard, hour_of(last))
        usual = max(limits.hours, _TIMES * habits.long_gap)
        excess = max(excess, habits.between(hour_of(last), hour_of(min(now, last + _FAR))) / usual)
    return min(int(excess).bit_length(), _LAST_STAGE)


@dataclass(frozen=True, slots=True)
class _Habits:
    """`shares`: in which share of such hours it was heard. `long_gap`: its second longest silence, in such shares."""

    shares: Mapping[Slot, float]
    long_gap: float

    @classmethod
    def of(cls, heard: Collection[int], last: int) -> Self:
        """The habits of the two weeks before its last sign, or since its first."""
        start = last - int(HISTORY / timedelta(hours=1)) + 1
        recent = sorted({hour for hour in heard if start <= hour <= last})
        if len(recent) < _FEWEST_HOURS:
            return cls({}, 0.0)
        passed = Counter(_slot(hour) for hour in range(recent[0], last + 1))
        active = Counter(map(_slot, recent))
        alone = cls({slot: number / passed[slot] for slot, number in active.items()}, 0.0)
        gaps = sorted(alone.between(one, following) for one, following in pairwise(recent))
        return cls(alone.shares, gaps[-2])  # the longest may have been a holiday

    def between(self, one: int, other: int) -> float:
        """In how many of the hours between two hours it would have been heard."""
        return sum(self.shares.get(_slot(hour), 0.0) for hour in range(one + 1, other))


def _slot(hour: int) -> Slot:
    at = datetime.fromtimestamp(hour * 3600, UTC)
    return max(at.weekday(), _SATURDAY - 1), at.hour
