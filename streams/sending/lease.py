"""The owner's lease: how long what the log acknowledged lets it act as if the partition were still its own."""

import time
from collections.abc import Callable
from typing import Final

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def uptime() -> float:
    """Seconds that no change of the wall clock moves, and that go on while the process or the machine stands still."""
    return time.clock_gettime(_CLOCK)


class Lease:
    """Looked at right before a request leaves.

    An acknowledgement of the log shows that the partition was ours when its record was written. It is believed for
    `seconds`, which are to lie well below the time after which the group gives the partitions of a silent worker to
    others, and only while `is_member`: the consumer holds its partitions and does not hand them over.
    """

    def __init__(
        self, seconds: float, *, is_member: Callable[[], bool] = lambda: True, now: Callable[[], float] = uptime
    ) -> None:
        self.now = now
        self.is_member = is_member
        self._seconds = seconds

    def holds(self, since: float) -> bool:
        """Whether a request may leave whose attempt began to be written at `since` (by `now`) and was acknowledged."""
        return self.now() - since < self._seconds and self.is_member()
