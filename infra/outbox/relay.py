"""Moves rows of an outbox through a door of the hub: at least once, in their order, by one relay at a time.

A row is written down as sent after the hub has it, so a relay that dies in between leaves it to be sent again; the hub
knows it by its key. Two relays that both send the same rows, as when one lost its lock unnoticed, send them in one and
the same order, so that first sightings are in it too.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from adapters.edge.arrivals import Arrival
from adapters.edge.problems import ProblemError
from adapters.edge.submissions import Submission, Submitter
from adapters.mysql import outbox
from adapters.mysql.outbox import SettledRow, WaitingRow
from adapters.mysql.pool import Session
from infra.doors import Door
from infra.election import WentWell

log = structlog.get_logger()

OFFICE: Final = "outbox"
"""The lock that the one relay at work holds, in the outbox's own database."""
SOURCE: Final = "posto outbox"
"""The header `source` of what comes from an outbox."""

_PRUNE_SECONDS: Final = 60.0
_COMMITTED: Final = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"  # locks no gap that a producer inserts into
)

ROWS = Counter("posto_outbox_rows_total", "Rows that the relay settled.", ["outcome"])
WAITED = Gauge("posto_outbox_waiting_seconds", "Time that the oldest row of the outbox has waited.")


class Relay:
    """Settles what waits, page by page, while its lock is held."""

    def __init__(
        self, through: Callable[[], AbstractAsyncContextManager[Door]], *, poll: float, keep: timedelta
    ) -> None:
        """`poll` seconds pass before an empty outbox is looked at again; what was sent is kept for so long."""
        self._through = through
        self._poll = poll
        self._keep = keep
        self._pruned_at = float("-inf")

    async def work(self, session: Session, went_well: WentWell) -> None:
        """Settle what waits and what comes, for ever; raises DatabaseError and KafkaError."""
        await session.execute(_COMMITTED)
        async with self._through() as door:
            while True:
                settled = await self._settle(session, door)
                went_well()
                await self._prune(session)
                if not settled:
                    await asyncio.sleep(self._poll)

    async def empty(self, session: Session) -> int:
        """Settle what waits now; how many rows that were."""
        await session.execute(_COMMITTED)
        total = 0
        async with self._through() as door:
            while settled := await self._settle(session, door):
                total += settled
        await self._prune(session)
        return total

    async def _settle(self, session: Session, door: Door) -> int:
        """Send the next rows and write down what became of them; how many they were."""
        page = await outbox.waiting(session)
        WAITED.set(page.waited)
        if not page.rows:
            return 0
        checked = _checked(page.rows)
        good = [(row, made) for row, made in checked if isinstance(made, Submission)]
        refused = [SettledRow(row.id, None, made) for row, made in checked if isinstance(made, str)]
        verdicts = await door.put([made for _, made in good]) if good else []
        sent: list[SettledRow] = []
        for (row, made), verdict in zip(good, verdicts, strict=True):
            (sent if verdict is None else refused).append(SettledRow(row.id, made.event_id, verdict))
        await outbox.settle(session, [*sent, *refused])
        ROWS.labels("sent").inc(len(sent))
        ROWS.labels("refused").inc(len(refused))
        for one in refused:
            log.warning("outbox_row_refused", row=one.id, reason=one.reason)
        return len(page.rows)

    async def _prune(self, session: Session) -> None:
        """Once a minute, delete what is old, some of it between one page and the next."""
        if time.monotonic() - self._pruned_at < _PRUNE_SECONDS:
            return
        if await outbox.prune(session, self._keep) < outbox.PRUNED_AT_ONCE:
            self._pruned_at = time.monotonic()


def _checked(rows: Sequence[WaitingRow]) -> list[tuple[WaitingRow, Submission | str]]:
    """Each row with what the hub would make of it, or why it would refuse it."""
    submitter = Submitter(Arrival(SOURCE, {}), None, None)
    return [(row, _verdict(submitter, row.event)) for row in rows]


def _verdict(submitter: Submitter, event: bytes) -> Submission | str:
    try:
        return submitter.submit(event)
    except ProblemError as problem:
        return problem.detail
