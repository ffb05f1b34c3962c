"""Time, as far as the sender needs it: now, and a call at a later moment."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

WaitingT = TypeVar("WaitingT", bytes, str)

_LONGEST_SLEEP: Final = timedelta(seconds=30)  # after this, a wall clock that jumped is noticed
_FEW: Final = 64  # so many moments are not worth sweeping


class Call(Protocol):
    """A call to come."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """The time of day in UTC."""

    def now(self) -> datetime: ...

    def call_at(self, moment: datetime, callback: Callable[[], None]) -> Call: ...


class SystemClock:
    """The machine's clock, on the running event loop."""

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def call_at(self, moment: datetime, callback: Callable[[], None]) -> Call:
        """Call at a moment; at once where it has passed."""
        return asyncio.get_running_loop().call_later(max((moment - self.now()).total_seconds(), 0.0), callback)


class Alarms(Generic[WaitingT]):
    """The moments that commands, or channels, wait for, with one call for the nearest of them.

    Each waits for one moment at a time, the earliest that was asked for: when that has come, it says what is next.
    """

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._moments: list[tuple[datetime, WaitingT]] = []
        self._nearest: dict[WaitingT, datetime] = {}
        self._call: Call | None = None

    def add(self, moment: datetime, key: WaitingT) -> None:
        """Wake one of them at a moment, unless it is to be woken before that."""
        if (nearest := self._nearest.get(key)) and nearest <= moment:
            return
        self._nearest[key] = moment
        heapq.heappush(self._moments, (moment, key))

    def forget(self, key: WaitingT) -> None:
        """Wake this one no more; what is left of those that were forgotten is swept out once it is the most."""
        self._nearest.pop(key, None)
        if len(self._moments) > 2 * len(self._nearest) + _FEW:
            self._moments = [(moment, waiting) for waiting, moment in self._nearest.items()]
            heapq.heapify(self._moments)

    def due(self, now: datetime) -> list[WaitingT]:
        """Those whose moment has come, each once."""
        due = []
        while self._moments and self._moments[0][0] <= now:
            moment, key = heapq.heappop(self._moments)
            if self._nearest.get(key) == moment:
                del self._nearest[key]
                due.append(key)
        return due

    def set(self) -> None:
        """Set the call for the nearest moment; early where that is far away, so that it is looked for again."""
        self.stop()
        if self._moments:
            nearest = min(self._moments[0][0], self._clock.now() + _LONGEST_SLEEP)
            self._call = self._clock.call_at(nearest, self._ring)

    def stop(self) -> None:
        """Take the call back."""
        if self._call:
            self._call.cancel()
            self._call = None
