"""When messages may go out: on these days of the week, between two times of day, where the tenant is. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, Self

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_NAMES: Final = frozenset({"days", "from", "to"})
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MIDNIGHT: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class SendWindow:
    """`opens` and `closes` are minutes of the day by the clock on the wall; `days` count from Monday = 0."""

    days: frozenset[int]
    opens: int
    closes: int

    @classmethod
    def of(cls, fields: Mapping[str, Any], place: str) -> Self:
        """The window that `{"days": ["mon", "fri"], "from": "08:00", "to": "19:00"}` says; without days, every day.

        `to` may be `24:00`. ValueError names what makes no sense.
        """
        if unknown := sorted(fields.keys() - _NAMES):
            raise ValueError(f"{place}: has nothing called {unknown[0]!r}, but days, from and to")
        opens, closes = (_minutes(fields.get(name), f"{place}.{name}") for name in ("from", "to"))
        if opens >= closes:
            raise ValueError(f"{place}: from must be earlier in the day than to")
        return cls(_days(fields.get("days"), f"{place}.days"), opens, closes)

    def meets(self, other: "SendWindow") -> bool:
        """Whether there is a moment in the week at which both are open."""
        return bool(self.days & other.days) and max(self.opens, other.opens) < min(self.closes, other.closes)

    def next_open(self, moment: datetime, zone: tzinfo) -> datetime:
        """The moment itself where the window is open then, else when it opens next; both in UTC.

        A day on which the clock is put forward over its beginning begins with the first moment after that; one on
        which an hour comes twice is open in both.
        """
        today = moment.astimezone(zone).date()
        for number in range(8):
            day = today + timedelta(days=number)
            if day.weekday() in self.days and moment < _utc(day, self.closes, zone, fold=1):
                return max(moment, _utc(day, self.opens, zone, fold=0))
        raise AssertionError("a window opens once a week at least")


def _utc(day: date, minutes: int, zone: tzinfo, *, fold: int) -> datetime:
    day += timedelta(days=minutes // _MIDNIGHT)
    at = time(minutes % _MIDNIGHT // 60, minutes % 60, fold=fold)
    return datetime.combine(day, at, zone).astimezone(UTC)


def _minutes(value: Any, place: str) -> int:
    if value == "24:00" and place.endswith(".to"):
        return _MIDNIGHT
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{place}: must be a time of day such as 08:00")
    return int(found[1]) * 60 + int(found[2])


def _days(value: Any, place: str) -> frozenset[int]:
    if value is None:
        return frozenset(range(7))
    if not isinstance(value, list) or not value or not all(isinstance(day, str) and day in DAYS for day in value):
        raise ValueError(f"{place}: must be a list of {', '.join(DAYS)}")
    return frozenset(DAYS.index(day) for day in value)
