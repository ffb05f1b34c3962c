"""A keyed table: Faust's changelog and assignment, with the keys of each partition in a dict of its own."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import faust
import structlog
from faust.types import TP

from streams.runtime.consumer import NO_GENERATION
from streams.runtime.errors import BrokenInvariantError
from streams.runtime.publisher import Out, Publisher, Span

log = structlog.get_logger()

_RECOVERY_BUFFER = 8  # fetched batches applied at once while recovering


class Shedding(NamedTuple):
    """What values lose once the record that set them is committed: it is needed for a while only.

    `source` is that record's topic; `needed_until` its offset, None where a value has nothing to shed.
    """

    source: str
    needed_until: Callable[[bytes], int | None]
    shed: Callable[[bytes], bytes]


OnRecovered = Callable[[frozenset[int]], Awaitable[None]]


class Partition:
    """The keys of one partition, and the changelog offset up to which they are complete.

    `laden` are those whose values have something to shed, with until when.
    """

    __slots__ = ("data", "laden", "lock", "offset")

    def __init__(self) -> None:
        self.data: dict[bytes, bytes] = {}
        self.laden: deque[tuple[int, bytes]] = deque()
        self.offset = -1
        self.lock = asyncio.Lock()


class BatchTable(faust.Table):
    """Bytes to bytes, recovered batch by batch and written batch by batch.

    Recovery starts where the partition in memory ends, so that a partition that stays costs nothing at a rebalance.
    """

    def __init__(
        self,
        app: Any,
        *,
        publisher: Publisher,
        fatal: Callable[[BaseException], None],
        shedding: Shedding | None,
        **kw: Any,
    ) -> None:
        super().__init__(app, key_type=bytes, value_type=bytes, recovery_buffer_size=_RECOVERY_BUFFER, **kw)
        self._publisher = publisher
        self._fatal = fatal
        self._shedding = shedding
        self._committed: dict[int, int] = {}
        self._held: defaultdict[int, Partition] = defaultdict(Partition)
        self._on_recovered: list[OnRecovered] = []

    def __hash__(self) -> int:
        return object.__hash__(self)

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key of a partition that this worker owns."""
        return self._held[partition].data.get(key)

    def items(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """All that a partition holds."""
        return self._held[partition].data.items()

    def size(self) -> int:
        """How many keys are in memory."""
        return sum(len(held.data) for held in self._held.values())

    def held(self) -> list[int]:
        """The partitions of which something is in memory."""
        return sorted(self._held)

    def keys_of(self, partition: int) -> list[bytes]:
        """The keys that a partition holds now."""
        return list(self._held[partition].data) if partition in self._held else []

    def forget(self, partition: int, keys: Iterable[bytes], is_over: Callable[[bytes], bool]) -> int:
        """Drop from memory those of the keys whose value is over, and say how many.

        In the changelog its retention does so: nothing is written.
        """
        data = self._held[partition].data if partition in self._held else {}
        over = [key for key in keys if (value := data.get(key)) is not None and is_over(value)]
        for key in over:
            del data[key]
        return len(over)

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        """Set and delete (None) keys: the changelog is acknowledged first, then the keys change."""
        if not changes:
            return
        held = self._held[partition]
        place = (self.changelog_topic_name, partition)
        async with held.lock:
            spans = await self._publisher.publish({place: [Out(key, value) for key, value in changes.items()]})
            self._apply(partition, changes.items())
            for span in spans[place]:
                _advance(held, span)

    def committed(self, tp: TP, offset: int) -> None:
        """Called by the consumer: the records of a partition before `offset` are committed."""
        if self._shedding is None or tp.topic != self._shedding.source or tp.partition not in self._held:
            return
        self._committed[tp.partition] = offset
        data, laden = self._held[tp.partition].data, self._held[tp.partition].laden
        while laden and laden[0][0] < offset:
            until, key = laden.popleft()
            value = data.get(key)
            if value is not None and self._shedding.needed_until(value) == until:
                data[key] = self._shedding.shed(value)

    def recovered(self, callback: OnRecovered) -> OnRecovered:
        """Call back with the owned partitions whenever the table is recovered, before any record is delivered."""
        self._on_recovered.append(callback)
        return callback

    # -- called by Faust

    def persisted_offset(self, tp: TP) -> int:
        """Where recovery may start: the changelog offset up to which memory is complete, -1 for none."""
        return self._held[tp.partition].offset if tp.partition in self._held else -1

    async def on_changelog_event(self, event: Any) -> None:
        """Called before a fetched changelog batch is applied: find out what of it was committed."""
        partition = event.value.partition
        if self._shedding and partition not in self._committed:
            source = TP(self._shedding.source, partition)
            self._committed[partition] = await self.app.consumer.committed(source)

    def apply_changelog_batch(self, batch: Sequence[Any]) -> None:
        """Apply fetched changelog batches; Faust would swallow an error here, so one ends the process."""
        try:
            for event in batch:
                fetched = event.value
                held = self._held[fetched.partition]
                if fetched.first_offset > held.offset + 1 and held.offset >= 0:
                    log.debug("changelog_gap", table=self.name, partition=fetched.partition, at=held.offset)
                self._apply(fetched.partition, ((record.key, record.value) for record in fetched.records))
                held.offset = max(held.offset, fetched.offset)
                fetched.release()
        except Exception as error:  # noqa: BLE001
            self._fatal(error)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Forget the partitions that left, then tell who waits for the table.

        Nothing where the partitions were revoked meanwhile: the next recovery comes here again.
        """
        if self.app.consumer_generation_id == NO_GENERATION:
            return
        try:
            owned = frozenset(tp.partition for tp in active_tps)
            for partition in [partition for partition in self._held if partition not in owned]:
                del self._held[partition]
                self._committed.pop(partition, None)
            for partition in owned:
                self._held[partition]  # an owned partition exists, however empty
            for callback in self._on_recovered:
                await callback(owned)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001
            self._fatal(error)

    def require(self, partition: int) -> None:
        """Raise where a partition's records arrive at a worker that does not own its table."""
        if partition not in self._held:
            raise BrokenInvariantError(f"table {self.name}: records of partition {partition}, which is not assigned")

    def _apply(self, partition: int, changes: Iterable[tuple[Any, bytes | None]]) -> None:
        held = self._held[partition]
        data = held.data
        shedding = self._shedding
        for key, value in changes:
            if value is None:
                data.pop(key, None)
            elif shedding is None or (until := shedding.needed_until(value)) is None:
                data[key] = value
            elif until < self._committed.get(partition, 0):
                data[key] = shedding.shed(value)
            else:
                data[key] = value
                held.laden.append((until, key))


def _advance(held: Partition, span: Span) -> None:
    """Move the offset over our own writes; somebody else's in between leave it, to be read at the next recovery."""
    if span.first == held.offset + 1:
        held.offset = span.first + span.length - 1
