"""How long what is in hand may still take once the partitions are being taken away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.runtime.errors import HandingOverError


class Grace:
    """Bounds work by so many seconds from the beginning of a hand-over on; before that, by nothing."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at: float | None = None
        self._under_way: set[asyncio.Timeout] = set()

    def begin(self) -> None:
        """The partitions are being taken away."""
        self._ends_at = asyncio.get_running_loop().time() + self._seconds
        for bound in self._under_way:
            if bound.when() is None:
                bound.reschedule(self._ends_at)

    def end(self) -> None:
        """They are handed over: what begins now is bounded no more."""
        self._ends_at = None

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Let work finish; HandingOverError where it takes longer than the partitions are left."""
        bound = asyncio.timeout_at(self._ends_at)
        self._under_way.add(bound)
        try:
            async with bound:
                yield
        except TimeoutError:
            if bound.expired():
                raise HandingOverError from None
            raise
        finally:
            self._under_way.discard(bound)
