"""A producer's transactional outbox: the table in its own database, and what a relay reads and writes there.

An event is one row, inserted in the very transaction that makes it true. A row is `waiting` until it is `sent`, or
`refused` with the reason. It is looked for by its state and never by a position, so that one whose transaction commits
late is not passed over.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from adapters.mysql.pool import Session
from adapters.mysql.statements import INTEGER, TEXT, cut, over

DDL: Final = """\
-- Events that a producer's transactions put here, on their way to Posto. Only `event` is the producer's to fill:
--     INSERT INTO posto_outbox (event) VALUES ('{"source_system": "erp", "event_type": "order.paid", ...}');
-- A relay (`posto outbox relay`) sends what is `waiting`, in the order of `id`, and prunes what was `sent` long ago.
CREATE TABLE IF NOT EXISTS posto_outbox (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    event       MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at  TIMESTAMP(6)    NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    state       VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'waiting',
    settled_at  TIMESTAMP(6)    NULL DEFAULT NULL,
    event_id    CHAR(36)        CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL,
    reason      VARCHAR(1000)   CHARACTER SET utf8mb4 NULL DEFAULT NULL,
    PRIMARY KEY (id),
    KEY by_state (state, settled_at, id)
) ENGINE = InnoDB;
"""

WAITING: Final = "waiting"
SENT: Final = "sent"
REFUSED: Final = "refused"

_LONGEST_REASON: Final = 1_000
_MOST_ROWS: Final = 500
_MOST_BYTES: Final = 8_000_000
PRUNED_AT_ONCE: Final = 1_000

_SIZES: Final = """
SELECT id, LENGTH(event) AS bytes, TIMESTAMPDIFF(MICROSECOND, created_at, NOW(6)) / 1e6 AS age
FROM posto_outbox WHERE state = 'waiting' AND settled_at IS NULL ORDER BY id LIMIT %s
"""
_EVENTS: Final = """
SELECT id, event FROM posto_outbox WHERE state = 'waiting' AND settled_at IS NULL AND id <= %s ORDER BY id LIMIT %s
"""
_SETTLE: Final = over(
    {"id": INTEGER, "state": TEXT, "event_id": TEXT, "reason": TEXT},
    """
    UPDATE {rows} STRAIGHT_JOIN posto_outbox AS old FORCE INDEX FOR JOIN (PRIMARY) ON old.id = new.id
    SET old.state = new.state, old.event_id = new.event_id, old.reason = new.reason, old.settled_at = NOW(6)
    """,
)
_PRUNE: Final = """
DELETE FROM posto_outbox WHERE state = 'sent' AND settled_at < NOW(6) - INTERVAL %s SECOND
ORDER BY settled_at LIMIT %s
"""
_STATES: Final = """
SELECT state, COUNT(*) AS number, TIMESTAMPDIFF(MICROSECOND, MIN(created_at), NOW(6)) / 1e6 AS age
FROM posto_outbox GROUP BY state
"""
_REFUSED: Final = "SELECT id, reason FROM posto_outbox WHERE state = 'refused' ORDER BY settled_at DESC LIMIT %s"


class WaitingRow(NamedTuple):
    """An event that waits; `event` as the producer wrote it."""

    id: int
    event: bytes


class SettledRow(NamedTuple):
    """What became of a row: it was sent as the event of this id, or refused for this reason."""

    id: int
    event_id: str | None
    reason: str | None


class Page(NamedTuple):
    """The rows that wait the longest, in their order, and the seconds that the first one has waited."""

    rows: Sequence[WaitingRow]
    waited: float


class Standing(NamedTuple):
    """How many rows are in a state, and the seconds since the oldest was written."""

    state: str
    number: int
    age: float


async def look_at(session: Session) -> None:
    """DatabaseRefusedError where there is no such table, or none for this user."""
    await session.fetch("SELECT 1 FROM posto_outbox LIMIT 1")


async def waiting(session: Session) -> Page:
    """The next rows to be sent, at least one where any waits, of a bounded number and size."""
    sizes = await session.fetch(_SIZES, (_MOST_ROWS,))
    if not sizes:
        return Page((), 0.0)
    total = 0
    within = 0
    for row in sizes:
        total += row["bytes"]
        if within and total > _MOST_BYTES:
            break
        within += 1
    found = await session.fetch(_EVENTS, (sizes[within - 1]["id"], within))
    rows = [WaitingRow(row["id"], row["event"].encode()) for row in found]
    return Page(rows, max(float(sizes[0]["age"]), 0.0))


async def settle(session: Session, rows: Iterable[SettledRow]) -> None:
    """Write down what became of rows; whoever dies before that leaves them to be sent once more."""
    values = (
        {
            "id": row.id,
            "state": SENT if row.reason is None else REFUSED,
            "event_id": row.event_id,
            "reason": cut(row.reason, _LONGEST_REASON),
        }
        for row in rows
    )
    for statement in _SETTLE.filled(values):
        await session.execute(statement)


async def prune(session: Session, keep: timedelta) -> int:
    """Delete what was sent longer ago than `keep`, a bounded number of rows; how many that were."""
    return await session.execute(_PRUNE, (keep.total_seconds(), PRUNED_AT_ONCE))


async def standings(session: Session) -> list[Standing]:
    """How many rows are in each state."""
    return [Standing(row["state"], row["number"], max(float(row["age"]), 0.0)) for row in await session.fetch(_STATES)]


async def refused(session: Session, most: int) -> list[SettledRow]:
    """The rows that were refused last, with the reason."""
    return [SettledRow(row["id"], None, row["reason"]) for row in await session.fetch(_REFUSED, (most,))]
