"""Receipts: when is all of an append kept, and by whom."""

import asyncio
from collections.abc import Sequence

from adapters.edge.log import Entry, LogError, LogRefusedError


class Receipt:
    """Says when all entries of one append are kept, or why that will not be known."""

    def __init__(self, entries: int) -> None:
        self._missing = entries
        self.loop = asyncio.get_running_loop()
        self._kept: asyncio.Future[None] = self.loop.create_future()

    @property
    def is_settled(self) -> bool:
        """Whether nobody needs to wait any more."""
        return self._kept.done()

    def confirm(self) -> None:
        """Count one entry as kept."""
        self._missing -= 1
        if not self._missing and not self._kept.done():
            self._kept.set_result(None)

    def fail(self, error: LogError) -> None:
        """Give up on the entries."""
        if not self._kept.done():
            self._kept.set_exception(error)
            self._kept.exception()  # whoever waited for it may be gone

    async def kept(self) -> None:
        """Return once everything is kept, or raise the error of whoever gave up, though it may still be kept later."""
        await self._kept

    async def settled(self) -> LogError | None:
        """Return once everything is kept, or the error by which it is not, however long that takes."""
        try:
            await asyncio.shield(self._kept)
        except LogError as error:
            return error
        return None


class Item:
    """One entry on its way. Two may keep it, Kafka and the spool; its receipt counts the first."""

    __slots__ = ("entry", "is_counted", "is_in_kafka", "is_lost", "receipt", "refusal", "seq")

    def __init__(self, entry: Entry, receipt: Receipt) -> None:
        self.entry = entry
        self.receipt = receipt
        self.is_counted = False
        self.is_in_kafka = False
        self.refusal: LogRefusedError | None = None
        """Why Kafka will never take it."""
        self.seq: int | None = None
        """Its number in the spool, once it lies there."""
        self.is_lost = False
        """Whether the spool could not take it."""

    def keep(self) -> None:
        """It is kept by whoever says so."""
        if not self.is_counted:
            self.is_counted = True
            self.receipt.confirm()

    def confirm(self) -> None:
        """Kafka has it."""
        self.is_in_kafka = True
        self.keep()

    def refuse(self, error: LogRefusedError) -> None:
        """Kafka will never take it."""
        self.refusal = error
        self.fail(error)

    def fail(self, error: LogError) -> None:
        """Nobody keeps it, as far as its caller will know."""
        if not self.is_counted:
            self.receipt.fail(error)


def items(entries: Sequence[Entry]) -> tuple[list[Item], Receipt]:
    """The entries of one append with the receipt that they share."""
    receipt = Receipt(len(entries))
    return [Item(entry, receipt) for entry in entries], receipt
