"""Faust's consumer, delivering whole batches and never committing past what was acknowledged.

The four rules, each found by losing events without it:

R1  While the group rebalances, only changelog records are fetched.
R2  The position to commit is the end of the acknowledged prefix of what was delivered, never the highest ack.
R3  Records of a fetch during which generation or flow changed are dropped, and the position is rewound to the
    committed one before the next fetch; a partition without a commit is rewound to its beginning.
R4  aiokafka gets a frozen, non-empty copy of the partition set: Faust changes its own meanwhile, and an empty set
    means "all" to aiokafka.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams import failpoints
from streams.runtime import delivery
from streams.runtime.errors import BrokenInvariantError
from streams.runtime.fetched import FetchedBatch
from streams.runtime.grace import Grace
from streams.runtime.progress import Progress

log = structlog.get_logger()

_REBALANCE_POLL = 0.05
_FULL_POLL = 0.02
_IDLE_WAIT = 0.01
_ROOM_WAIT = 0.1
NO_GENERATION = -1
"""The consumer's generation between a revocation and the next assignment."""
ABANDON_AFTER = 10.0
"""Seconds that a batch in hand may still take once its partitions are being taken away."""


class BatchConsumer(driver.Consumer):
    """Delivers one message per fetched batch; bounded by un-acked bytes per partition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._delivered: defaultdict[TP, deque[FetchedBatch]] = defaultdict(deque)
        self._unacked_bytes: defaultdict[TP, int] = defaultdict(int)
        self._positions: dict[TP, int] = {}
        self._room = asyncio.Event()
        self._must_rewind = False
        self._fetching = delivery.Fetching()
        self.handing_over = asyncio.Event()
        self.grace = Grace(ABANDON_AFTER)
        super().__init__(*args, **kwargs)

    # -- fetching

    async def _drain_messages(self, fetcher: Any) -> None:
        await delivery.drain(self, fetcher)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, Any]:  # noqa: ASYNC109 (as overridden)
        if active_partitions is None:
            raise BrokenInvariantError("the consumer was started without partitions of its own")
        wanted = frozenset(active_partitions)  # R4
        changelogs = self.app.tables.changelog_topics
        full: frozenset[TP] = frozenset()
        resting: frozenset[str] = frozenset()
        wait: float | None = None
        if self.app.rebalancing:  # R1
            wanted = frozenset(tp for tp in wanted if tp.topic in changelogs)
            timeout = min(timeout, _REBALANCE_POLL)
        else:
            if self._must_rewind:
                self._must_rewind = False
                await self.perform_seek()
            limit = self.app.unacked_bytes_per_partition
            full = frozenset(tp for tp in wanted if self._unacked_bytes[tp] >= limit)
            wanted -= full
            resting, wait = self.app.resting_topics()
            timeout = min(timeout, _FULL_POLL if full else timeout, wait or timeout)
        if not wanted:
            await self._wait_for_room() if full else await asyncio.sleep(_IDLE_WAIT)
            return {}
        generation = self.app.consumer_generation_id
        fetched = await self._fetching.get(self._thread, wanted, timeout, resting, wait)
        stale = self.app.rebalancing or generation != self.app.consumer_generation_id or not self.flow_active
        return self._as_batches(fetched, changelogs, stale)

    def _as_batches(self, fetched: Mapping[Any, Any], changelogs: set[str], stale: bool) -> Mapping[TP, Any]:
        batches = {}
        for key, records in fetched.items():
            if not records:
                continue
            tp = TP(key.topic, key.partition)
            if tp.topic not in changelogs:
                if stale:  # R3
                    self._must_rewind = True
                    log.info("fetch_dropped", topic=tp.topic, partition=tp.partition, records=len(records))
                    continue
                batch = FetchedBatch(records)
                self._delivered[tp].append(batch)
                self._unacked_bytes[tp] += batch.nbytes
            else:
                batch = FetchedBatch(records)
            batches[key] = [batch]
        return batches

    async def _wait_for_room(self) -> None:
        self._room.clear()
        try:
            await asyncio.wait_for(self._room.wait(), _ROOM_WAIT)
        except TimeoutError:
            return

    # -- acknowledging

    def begin(self, message: Any) -> None:
        """Take a batch in hand. Raises BrokenInvariantError where one before it was delivered and never seen.

        Nothing may follow from the later one then: a projection's position would go past the earlier one for good.
        """
        batch: FetchedBatch = message.value
        if batch.dropped:
            return
        tp = message.tp
        first = next((other for other in self._delivered[tp] if not other.taken), None)
        _require_turn(tp, batch, first, "came to its agent")
        batch.taken = True

    def settle(self, message: Any) -> None:
        """Acknowledge a batch: all that follows from it is durable. Batches of a partition are settled in order."""
        batch: FetchedBatch = message.value
        if batch.dropped:
            self._unacked_messages.discard(message)
            return
        tp = message.tp
        head = next((other for other in self._delivered[tp] if not other.acked), None)
        _require_turn(tp, batch, head, "was acknowledged")
        batch.acked = True
        self._unacked_bytes[tp] -= batch.release()
        message.refcount = 0
        self.ack(message)
        self._room.set()

    def abandon(self, messages: Iterable[Any]) -> None:
        """Let batches go un-acked: their partitions' next owner gets them again."""
        for message in messages:
            message.value.dropped = True
            self._unacked_messages.discard(message)

    def _new_offset(self, tp: TP) -> int | None:  # R2
        delivered = self._delivered[tp]
        while delivered and delivered[0].acked:
            self._positions[tp] = max(delivered.popleft().offset + 1, self._positions.get(tp, 0))
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self._positions.get(tp)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        failpoints.reach("runtime.before_commit")
        is_done: bool = await super()._commit(offsets)
        failpoints.reach("runtime.committed")
        if is_done:
            for table in self.app.tables.values():
                for tp, offset in offsets.items():
                    table.committed(tp, offset)
        return is_done

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps in the offsets (compaction, control records) do not matter to an acknowledged prefix."""

    # -- positions

    async def perform_seek(self) -> None:
        """Go back to the committed positions, and to the beginning of partitions that have none (R3)."""
        committed = await self.seek_to_committed()
        changelogs = self.app.tables.changelog_topics
        uncommitted = [tp for tp, offset in committed.items() if not offset and tp.topic not in changelogs]
        if uncommitted:
            await self._thread.seek_to_beginning(*uncommitted)
        for key, offset in committed.items():
            tp = TP(key.topic, key.partition)
            self._read_offset[tp] = offset or None
            if offset is not None:
                self._committed_offset[tp] = offset or None

    async def committed(self, tp: TP) -> int:
        """The committed position of a partition, 0 for none; asked of Kafka."""
        return await self._thread.call_thread(self._thread._ensure_consumer().committed, tp) or 0

    # -- being looked at

    def progress(self) -> dict[TP, Progress]:
        """How far each owned partition has come, changelogs left out; nothing is asked of Kafka."""
        changelogs = self.app.tables.changelog_topics
        return {tp: self._progress(tp) for tp in self.assignment() if tp.topic not in changelogs}

    def _progress(self, tp: TP) -> Progress:
        delivered = list(self._delivered.get(tp, ()))
        waiting = [batch for batch in delivered if not batch.acked]
        done = [batch.offset + 1 for batch in takewhile(lambda batch: batch.acked, delivered)]
        return Progress(
            committed=self._committed_offset.get(tp),
            acked=max([*done, *filter(None, [self._positions.get(tp)])], default=None),
            fetched=self._fetched(tp),
            unacked=sum(len(batch.records) for batch in waiting),
            oldest=waiting[0].records[0].timestamp if waiting else None,
        )

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: our own watchdog looks at the progress.

        Faust's look crashes the app where it meets a partition without a position, which one without a commit has for a
        moment after each rebalance.
        """

    def _fetched(self, tp: TP) -> int | None:
        """Where the next fetch begins, markers of transactions passed; read from a client that has its own thread."""
        subscription = self._thread._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription else None  # that thread may take either away meanwhile
        state = assignment.state_value(tp) if assignment else None
        return state.position if state and state.has_valid_position else None

    # -- handing over

    async def wait_empty(self) -> None:
        """Finish the batches in hand and commit them; those that take too long are let go.

        Called at every revocation and at a stop, when nothing more is delivered.
        """
        self.handing_over.set()
        self.grace.begin()
        try:
            self.app.begin_hand_over()
            await super().wait_empty()
            await self.app.finish_hand_over()
        finally:
            self.grace.end()
            self.handing_over.clear()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what was acknowledged (in `super`), then forget what was delivered.

        Until the next assignment there is no generation: a recovery that still runs for the last one must not let the
        records flow at its end, nor have partitions taken over.
        """
        self.app.consumer_generation_id = NO_GENERATION
        await super().on_partitions_revoked(revoked)
        for batches in self._delivered.values():
            for batch in batches:
                batch.dropped = True
        self._delivered.clear()
        self._unacked_bytes.clear()
        self._positions.clear()
        self._acked.clear()
        self._acked_index.clear()
        self._room.set()


def _require_turn(tp: TP, batch: FetchedBatch, first: FetchedBatch | None, what: str) -> None:
    """Raise BrokenInvariantError, with what happened to a batch, where it was not the first whose turn it was."""
    if first is not batch:
        raise BrokenInvariantError(
            f"{tp.topic}/{tp.partition}: the batch ending at {batch.offset} {what} before the one "
            f"ending at {first.offset if first else 'none'}"
        )
