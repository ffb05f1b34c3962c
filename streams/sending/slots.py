"""How many requests one worker may have under way, over all its partitions."""

from collections.abc import Callable


class Slots:
    """`total` at once; and, while the gateway is on trial, only as many as are allowed one by one."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._trials: int | None = None
        self._waiting: dict[Callable[[], None], None] = {}

    def take(self, on_free: Callable[[], None]) -> bool:
        """Take a slot; where there is none, be called once when there is one again."""
        if self._free and self._trials != 0:
            self._free -= 1
            if self._trials is not None:
                self._trials -= 1
            return True
        self._waiting[on_free] = None
        return False

    def give_back(self) -> None:
        """Free a slot and call those who waited, the longest first."""
        self._free += 1
        if self._trials != 0:
            self._call()

    def only(self, trials: int | None) -> None:
        """Let this many more be taken, and then none; None lifts that bound."""
        self._trials = trials
        if trials != 0:
            self._call()

    def allow(self, more: int) -> None:
        """Let some more be taken, where they are bounded."""
        if self._trials is not None:
            self.only(self._trials + more)

    def forget(self, on_free: Callable[[], None]) -> None:
        """Call this one no more."""
        self._waiting.pop(on_free, None)

    def _call(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for on_free in waiting:
            on_free()
