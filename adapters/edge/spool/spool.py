"""The spool as the event loop sees it: bounded, written in groups, read and written in a thread of its own."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypeVar

import structlog

from adapters.edge.log import LogFullError, LogUnavailableError
from adapters.edge.receipts import Item
from adapters.edge.spool.errors import SpoolDiskFullError, SpoolError
from adapters.edge.spool.file import Contents, Head, SpoolFile
from adapters.edge.spool.metrics import SpoolMetrics
from adapters.edge.spool.slots import Slot
from streams import failpoints

log = structlog.get_logger()

T = TypeVar("T")

_MAX_WAITING_BYTES: Final = 64 * 1_048_576
"""So much may wait in memory for the disk."""
_GROUP_BYTES: Final = 32 * 1_048_576
_ORDINARY_BYTES: Final = 1_048_576
_CLOSE_SECONDS: Final = 5.0
_FULL_DISK_SECONDS: Final = 1.0


class SpoolLimits(NamedTuple):
    """How much one spool may hold."""

    max_bytes: int
    max_entries: int


class Spool:
    """The entries of one slot. What waits for the disk is written together: one wait for the disk a group."""

    def __init__(self, slot: Slot, limits: SpoolLimits, metrics: SpoolMetrics) -> None:
        self._slot = slot
        self._limits = limits
        self._metrics = metrics
        self.entries, self.bytes, self.oldest_at = slot.contents
        self.is_drained = not self.entries
        """Whether nothing lies here and nothing is on its way here."""
        self.failure: SpoolError | None = None
        """Why the last write went wrong; None where it went well."""
        self._waiting: deque[Item] = deque()
        self._waiting_bytes = 0
        self._puts = 0
        self._writing = 0
        self._wake = asyncio.Event()
        self._wrote = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="posto-spool")
        self._task = asyncio.create_task(self._write_groups())

    @property
    def age_seconds(self) -> float:
        """How long the oldest entry has been here."""
        return max(0.0, time.time() - self.oldest_at) if self.oldest_at is not None else 0.0

    def require_room(self, entries: int, size: int) -> None:
        """LogFullError where so much does not fit in."""
        on_the_way = len(self._waiting) + self._writing
        if self.entries + on_the_way + entries > self._limits.max_entries:
            raise LogFullError(f"Kafka is away, and the spool has its {self._limits.max_entries} entries.")
        if self.bytes + self._waiting_bytes + size > self._limits.max_bytes:
            raise LogFullError(f"Kafka is away, and the spool has its {self._limits.max_bytes} bytes.")
        if on_the_way and self._waiting_bytes + size > _MAX_WAITING_BYTES:
            raise LogFullError("Kafka is away, and records come faster than the disk takes them.")

    def put(self, items: Collection[Item]) -> None:
        """Line items up for the disk; each is told when it lies there, or that it does not. Look for room first."""
        if not items:
            return
        self.is_drained = False
        self._puts += 1
        self._waiting.extend(items)
        self._waiting_bytes += sum(item.entry.size for item in items)
        self._wake.set()

    async def settle(self, items: Collection[Item]) -> None:
        """Forget what Kafka got by itself meanwhile of items that were put here, and set aside what it refused."""
        while any(item.seq is None and not item.is_lost for item in items):
            await self._group_written()
        for is_in_kafka in (True, False):
            lying = [item for item in items if item.seq is not None and item.is_in_kafka is is_in_kafka]
            seqs, size = [item.seq for item in lying if item.seq], sum(item.entry.size for item in lying)
            if seqs and is_in_kafka:
                await self.remove(seqs, size)
            elif seqs:
                await self.set_aside(seqs, size, "refused by Kafka")

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Nothing is written meanwhile; what is put waits."""
        self._may_write.clear()
        try:
            while self._writing:
                await self._group_written()
            yield
        finally:
            self._may_write.set()

    def take_back(self) -> list[Item]:
        """What waits and was not written, in order; it is the caller's business now. Only while paused."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        return taken

    async def first(self, max_entries: int, max_bytes: int) -> Head:
        """The first rows, as `SpoolFile.first`."""
        puts, is_still = self._puts, not (self._waiting or self._writing)
        head = await self._on_file(lambda file: file.first(max_entries, max_bytes))
        self.oldest_at = head.rows[0].kept_at if head.rows else None
        if not head.rows and is_still and puts == self._puts:
            self.entries = self.bytes = 0
            self.is_drained = True
        return head

    async def shrink(self) -> None:
        """Give back the disk that an empty spool occupies."""
        if self.is_drained:
            await self._on_file(SpoolFile.shrink)

    async def remove(self, seqs: Sequence[int], size: int) -> None:
        """Forget what Kafka has; `size` is that of its entries. On a full disk it waits for room: Kafka has them."""
        while True:
            try:
                await self._on_file(lambda file: file.remove(seqs))
                break
            except SpoolDiskFullError:
                await asyncio.sleep(_FULL_DISK_SECONDS)
        failpoints.reach("spool.removed")
        self._metrics.drained.inc(len(seqs))
        self._count_out(len(seqs), size)

    async def set_aside(self, seqs: Collection[int], size: int, why: str) -> None:
        """Take out of the way what can never reach Kafka."""
        await self._on_file(lambda file: file.set_aside(seqs, why))
        log.error("spooled_entries_set_aside", entries=len(seqs), why=why, file=str(self._slot.file.path))
        self._metrics.set_aside.inc(len(seqs))
        self._count_out(len(seqs), size)

    async def check(self) -> None:
        """LogError where an ordinary entry could not be kept now."""
        self.require_room(1, min(_ORDINARY_BYTES, self._limits.max_bytes // 10))
        if self.failure is not None:
            try:
                await self._on_file(SpoolFile.try_to_write)
            except SpoolError as error:
                raise LogUnavailableError(f"The spool cannot be written: {error}") from None
            self.failure = None

    async def close(self) -> None:
        """Write what waits, then let go of the slot."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                while self._waiting or self._writing:
                    await self._group_written()
        except TimeoutError:
            log.exception("spool_closed_with_entries_waiting", entries=len(self._waiting) + self._writing)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for item in self._waiting:
            item.fail(LogUnavailableError("The edge is stopping."))
        await self._in_thread(self._slot.release)
        self._thread.shutdown()

    async def _write_groups(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._may_write.wait()
                await self._write_group()

    async def _write_group(self) -> None:
        group: list[Item] = []
        size = 0
        while self._waiting and (not group or size + self._waiting[0].entry.size <= _GROUP_BYTES):
            group.append(self._waiting.popleft())
            size += group[-1].entry.size
        self._writing = len(group)
        now = time.time()
        entries = [item.entry for item in group]
        try:
            with self._metrics.write_seconds.time():
                seqs = await self._on_file(lambda file: file.write(entries, now))
        except SpoolError as error:
            self._fail(group, error)
        else:
            failpoints.reach("spool.written")
            self.failure = None
            self.entries += len(group)
            self.bytes += size
            self.oldest_at = now if self.oldest_at is None else self.oldest_at
            self._metrics.written.inc(len(group))
            for item, seq in zip(group, seqs, strict=True):
                item.seq = seq
                item.keep()
        finally:
            self._writing = 0
            self._waiting_bytes -= size
            self._wrote.set()

    def _fail(self, group: Sequence[Item], error: SpoolError) -> None:
        if self.failure is None:
            log.error("spool_write_failed", reason=str(error))
        self.failure = error
        self._metrics.failed_writes.inc()
        told = LogFullError if isinstance(error, SpoolDiskFullError) else LogUnavailableError
        for item in group:
            item.is_lost = True
            item.fail(told("Kafka is away, and the spool cannot be written."))

    async def _group_written(self) -> None:
        self._wrote.clear()
        await self._wrote.wait()

    def _count_out(self, entries: int, size: int) -> None:
        self.entries = max(0, self.entries - entries)
        self.bytes = max(0, self.bytes - size)

    async def _on_file(self, work: Callable[[SpoolFile], T]) -> T:
        """Work on the file. One that turns out to be damaged, however late, is replaced by what can be read of it."""
        salvaged: list[Contents] = []
        try:
            return await self._in_thread(lambda: self._slot.on_file(work, salvaged.append))
        finally:
            for contents in salvaged:
                self._metrics.damaged_files.inc()
                self.entries, self.bytes, self.oldest_at = contents

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
