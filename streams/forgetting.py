"""Forgets the keys that are older than they are remembered: in memory, as the changelog's retention does on disk.

Without it a worker would need more memory every day, and only a restart would give it back.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from streams.seen import received_at

log = structlog.get_logger()

_AT_ONCE: Final = 1_000  # keys between which others get their turn


class Table(Protocol):
    """The router's table, or another that forgets (`streams.runtime.BatchTable`)."""

    def held(self) -> Sequence[int]: ...

    def keys_of(self, partition: int) -> Sequence[bytes]: ...

    def forget(self, partition: int, keys: Iterable[bytes], is_over: Callable[[bytes], bool]) -> int: ...


class Forgetting:
    """Sweeps a table. `keep`: how long a key counts; `now` tells the time, `told_at` that of an entry, in seconds."""

    def __init__(
        self,
        table: Table,
        *,
        keep: timedelta,
        now: Callable[[], datetime],
        told_at: Callable[[bytes], float | None] = received_at,
    ) -> None:
        self._table = table
        self._keep = keep
        self._now = now
        self._told_at = told_at

    async def sweep(self) -> int:
        """Forget what no longer counts, and say how much that was."""
        before = (self._now() - self._keep).timestamp()

        def is_over(entry: bytes) -> bool:
            at = self._told_at(entry)
            return at is not None and at < before

        forgotten = 0
        for partition in self._table.held():
            keys = self._table.keys_of(partition)
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                forgotten += self._table.forget(partition, some, is_over)
                await asyncio.sleep(0)
        if forgotten:
            log.info("keys_forgotten", keys=forgotten)
        return forgotten
