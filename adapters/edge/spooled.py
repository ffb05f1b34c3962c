"""The edge's log with a spool behind it: Kafka where it answers in time, the disk of this machine where it does not."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from adapters.edge.deadlines import Deadlines
from adapters.edge.kafka import KafkaLog
from adapters.edge.log import Entry, LogError, LogFullError, LogUnavailableError
from adapters.edge.receipts import Item, Receipt, items
from adapters.edge.spool.draining import drain_some, hand_over
from adapters.edge.spool.errors import SpoolError
from adapters.edge.spool.metrics import SpoolMetrics
from adapters.edge.spool.slots import Slot, Slots
from adapters.edge.spool.spool import Spool, SpoolLimits

log = structlog.get_logger()

_STOP_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 0.5
_SLOW_DISK: Final = "The disk of the spool did not take it in time. Send it again unchanged, and it counts once."


class SpooledLog:
    """Appends to Kafka; once that is away or slow, to the spool, until the spool is drained.

    There is one way at a time. On the way to the spool, what Kafka has not confirmed is copied there first; on the way
    back, all of the spool is in Kafka first. So entries of one key keep their order across both.
    """

    def __init__(
        self,
        kafka: KafkaLog,
        slots: Slots,
        limits: SpoolLimits,
        *,
        after_seconds: float,
        timeout_seconds: float,
        look_seconds: float,
    ) -> None:
        """After `after_seconds` without a confirmation the spool takes over, after `timeout_seconds` the caller
        gets an error; every `look_seconds` folders are looked for that other processes left behind.
        """
        self._kafka = kafka
        self._slots = slots
        self._limits = limits
        self._patience = Deadlines(after_seconds, self._fall_back_for)
        self._disk_deadlines = Deadlines(timeout_seconds, lambda receipt: receipt.fail(LogUnavailableError(_SLOW_DISK)))
        self._look_seconds = look_seconds
        self.metrics = SpoolMetrics()
        self._spool: Spool | None = None
        self._why_none = "It is not open yet."
        self._left: list[Spool] = []
        self._copies: list[Item] = []
        self._is_spooling = False
        self._is_handing_over = False
        self._fell_back = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._show()

    async def __aenter__(self) -> None:
        """Open the spool, take over what gone processes left, and begin to connect."""
        await self._look()
        await self._kafka.__aenter__()
        self._tasks = [asyncio.create_task(self._drain_forever()), asyncio.create_task(self._look_forever())]

    async def __aexit__(self, *_: object) -> None:
        """End what is under way within a few seconds; what is in the spool by then stays there."""
        self._closing = True
        draining, looking = self._tasks
        looking.cancel()
        if (self._is_spooling or self._is_handing_over) and self._kafka.is_connected:
            await asyncio.wait([draining], timeout=_STOP_SECONDS)
        draining.cancel()
        await asyncio.gather(draining, looking, return_exceptions=True)
        await self._kafka.__aexit__()
        for spool in (*self._left, *([self._spool] if self._spool else [])):
            await spool.close()

    @property
    def backlog_bytes(self) -> int:
        """Bytes that wait for Kafka's confirmation."""
        return self._kafka.backlog_bytes

    @property
    def backlog_entries(self) -> int:
        """Entries that wait for Kafka's confirmation."""
        return self._kafka.backlog_entries

    @property
    def caveat(self) -> str | None:
        """What is not as it should be, though entries are kept; for people."""
        said = []
        if self._spool is None:
            said.append(f"There is no spool, so requests are refused while Kafka is away: {self._why_none}")
        elif self._is_spooling:
            said.append(f"Kafka is away or behind; {self._entries} entries wait in the spool.")
        if self._slots.unreadable:
            said.append(f"Folders of the spool that cannot be read: {self._slots.unreadable}; the log names them.")
        return " ".join(said) or None

    async def append(self, entries: Sequence[Entry]) -> None:
        """Return once Kafka's in-sync replicas or the spool have all entries."""
        if self._spool is None:
            await self._kafka.append(entries)
        elif (receipt := self._lined_up(entries)) is not None:
            self._patience.watch(receipt)
            await self._kafka.wait(receipt)
        else:
            await self._append_to(self._spool, entries)

    async def check(self) -> None:
        """LogError with the reason where an append would fail now."""
        if self._spool is None:
            await self._kafka.check()
            return
        if not self._is_spooling:
            try:
                await self._kafka.check()
            except LogUnavailableError:
                log.debug("kafka_not_ready_for_readiness")
            else:
                return
        await self._spool.check()

    def _lined_up(self, entries: Sequence[Entry]) -> Receipt | None:
        """The receipt of entries that are on their way to Kafka; None where they belong into the spool."""
        if self._is_spooling:
            return None
        try:
            if self._kafka.is_connected:
                return self._kafka.put(entries)
        except LogFullError:
            log.info("kafka_backlog_full")
        self._fall_back()
        return None

    async def _append_to(self, spool: Spool, entries: Sequence[Entry]) -> None:
        if self._closing:
            raise LogUnavailableError("The edge is stopping.")
        spool.require_room(len(entries), sum(entry.size for entry in entries))
        lined_up, receipt = items(entries)
        spool.put(lined_up)
        self._disk_deadlines.watch(receipt)
        await receipt.kept()

    def _fall_back_for(self, _: Receipt) -> None:
        self._fall_back()

    def _fall_back(self) -> None:
        """From here on the spool, with what Kafka has not confirmed as its first entries."""
        if self._is_spooling or self._spool is None:
            return
        held = [item for item in self._kafka.held() if item.seq is None]  # the others lie in the spool already
        log.warning("spool_in_use", unconfirmed=len(held))
        try:
            self._spool.require_room(len(held), sum(item.entry.size for item in held))
        except LogFullError:
            log.exception("spool_has_no_room")
        else:
            self._copies = held
            self._spool.put(held)
        self._use_spool()

    def _use_spool(self) -> None:
        self._is_spooling = True
        self._fell_back.set()

    async def _drain_forever(self) -> None:
        while self._is_spooling or not self._closing:
            await self._fell_back.wait()
            await self._kafka.idle()  # what is under way comes first
            spool = self._left[0] if self._left else self._spool
            try:
                await self._drain(spool)
            except SpoolError as error:
                log.exception("spool_not_drained")
                await self._detach(spool, str(error))
            except LogError:  # too much is on its way to Kafka, or the edge is stopping
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _drain(self, spool: Spool | None) -> None:
        """Bring the spool a little further, or find that there is nothing to bring."""
        if spool is None:
            self._use_kafka()
        elif spool is self._spool and self._copies:
            copies, self._copies = self._copies, []
            await spool.settle(copies)
        elif not await drain_some(spool, self._kafka):
            return
        elif spool is self._spool:
            await self._hand_over(spool)
        elif spool.is_drained:
            self._left.remove(spool)
            await spool.close()

    async def _hand_over(self, spool: Spool) -> None:
        """From here on Kafka alone, with the last of the spool before all others."""
        self._is_handing_over = True
        try:
            if await hand_over(spool, self._kafka, self._use_kafka):
                await spool.first(1, 1)
                await spool.shrink()
        finally:
            self._is_handing_over = False

    def _use_kafka(self, without_copy: Sequence[Item] = ()) -> None:
        self._is_spooling = False
        self._fell_back.clear()
        log.info("spool_drained")
        if without_copy:
            self._patience.watch(without_copy[-1].receipt)

    async def _detach(self, spool: Spool | None, why: str) -> None:
        """Go on without a spool that cannot be used now; its folder is looked at again later."""
        if spool is None:
            return
        if spool is self._spool:
            self._spool, self._why_none, self._copies = None, why, []
        else:
            self._left.remove(spool)
        await spool.close()

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            await self._look()

    async def _look(self) -> None:
        """Open a spool where we have none, and take over what gone processes left: it goes to Kafka first."""
        if self._spool is None:
            try:
                slot = await asyncio.to_thread(self._slots.claim)
            except SpoolError as error:
                self._why_none = str(error)
            else:
                self._spool = self._opened(slot)
        for slot in await asyncio.to_thread(self._slots.left):
            log.warning("spool_taken_over", folder=str(slot.folder), entries=slot.contents.entries)
            self._left.append(self._opened(slot))

    def _opened(self, slot: Slot) -> Spool:
        spool = Spool(slot, self._limits, self.metrics)
        if not spool.is_drained:
            self._fall_back()
            self._use_spool()
        return spool

    @property
    def _spools(self) -> list[Spool]:
        return [*self._left, *([self._spool] if self._spool else [])]

    @property
    def _entries(self) -> int:
        return sum(spool.entries for spool in self._spools)

    def _show(self) -> None:
        metrics = self.metrics
        metrics.entries.set_function(lambda: self._entries)
        metrics.bytes.set_function(lambda: sum(spool.bytes for spool in self._spools))
        metrics.age_seconds.set_function(lambda: max((spool.age_seconds for spool in self._spools), default=0))
        metrics.is_used.set_function(lambda: self._is_spooling)
        metrics.is_usable.set_function(lambda: self._spool is not None)
        metrics.unreadable_slots.set_function(lambda: self._slots.unreadable)
