"""How fast messages may go out: at most one in some seconds, and at most so many a day. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

LONGEST_WAIT: Final = 86_400.0
"""Seconds between two messages; who wants fewer than one a day means something else."""
MOST_PER_DAY: Final = 1_000_000

_NAMES: Final = frozenset({"every_seconds", "per_day"})


@dataclass(frozen=True, slots=True)
class Pace:
    """At least `every_seconds` between the starts of two attempts, and at most `per_day` in a day of the tenant."""

    every_seconds: float = 0.0
    per_day: int | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any], place: str) -> Self:
        """The pace that `{"every_seconds": 30, "per_day": 200}` says; ValueError names what makes no sense."""
        if unknown := sorted(fields.keys() - _NAMES):
            raise ValueError(f"{place}: has nothing called {unknown[0]!r}, but every_seconds and per_day")
        every, per_day = fields.get("every_seconds"), fields.get("per_day")
        if every is None and per_day is None:
            raise ValueError(f"{place}: says neither every_seconds nor per_day")
        if every is not None and not (_is_number(every) and 0 < every <= LONGEST_WAIT):
            raise ValueError(f"{place}.every_seconds: must be a number of seconds above 0, at most {LONGEST_WAIT:.0f}")
        if per_day is not None and not (
            isinstance(per_day, int) and _is_number(per_day) and 0 < per_day <= MOST_PER_DAY
        ):
            raise ValueError(f"{place}.per_day: must be a whole number from 1 to {MOST_PER_DAY}")
        return cls(float(every or 0.0), per_day)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
