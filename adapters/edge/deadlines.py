"""Deadlines: who waits too long for a receipt is told, and all who wait share one timer."""

import asyncio
from collections import deque
from collections.abc import Callable

from adapters.edge.receipts import Receipt


class Deadlines:
    """Tells of each receipt that is not settled in time. All have the same time, so the oldest is due first."""

    def __init__(self, seconds: float, late: Callable[[Receipt], None]) -> None:
        """`late` is told a receipt that is not settled after `seconds`, once."""
        self._seconds = seconds
        self._late = late
        self._open: deque[tuple[float, Receipt]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, receipt: Receipt) -> None:
        """Give a receipt its time, from now on."""
        loop = receipt.loop
        self._forget_settled()
        self._open.append((loop.time() + self._seconds, receipt))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell of those that are due, and look again when the next one is."""
        self._timer = None
        due: list[Receipt] = []
        self._forget_settled()
        while self._open and self._open[0][0] <= loop.time():
            due.append(self._open.popleft()[1])
            self._forget_settled()
        if self._open:
            self._timer = loop.call_at(self._open[0][0], self._look, loop)
        for receipt in due:
            self._late(receipt)

    def _forget_settled(self) -> None:
        while self._open and self._open[0][1].is_settled:
            self._open.popleft()
