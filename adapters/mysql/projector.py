"""The projector: records of the log in, rows in MySQL out, each record once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from adapters.mysql.errors import DataRefusedError, TransactionConflictError
from adapters.mysql.pool import Database, Session
from adapters.mysql.projections import (
    audit_log,
    channel_health,
    communication_events,
    contact_links,
    contacts,
    conversations,
    dead_letters,
    delivery_attempts,
    delivery_facts,
    event_sightings,
    http_requests,
    outbound_messages,
)
from adapters.mysql.records import Decoded, ProjectionError, Records, decode
from adapters.mysql.statements import Row, upsert
from adapters.mysql.steps import Step
from streams import failpoints, topics
from streams.records import Record

log = structlog.get_logger()

TOPICS: Final = (
    topics.EVENT_ACCEPTED,
    topics.DELIVERY_STATUS,
    topics.HTTP_STATUS,
    topics.CONTACT_LINK,
    topics.CONVERSATION_CHANGE,
    topics.AUDIT_CHANGE,
    topics.DEAD_LETTER,
)

HISTORY: Final = "history"
PRESENT: Final = "present"
"""The two projections. Each has tables of its own and writes them, with its positions, in one transaction."""

_HISTORY: Final[Sequence[Step]] = (
    *delivery_facts.STEPS,
    *event_sightings.STEPS,
    *communication_events.STEPS,
)
_PRESENT: Final[Sequence[Step]] = (
    *outbound_messages.STEPS,  # first: the row on which an event and its deliveries wait for each other
    *delivery_attempts.STEPS,
    *http_requests.STEPS,
    *conversations.STEPS,  # messages among them
    *contacts.STEPS,  # first: the row on which a contact and its links wait for each other
    *contact_links.STEPS,
    *channel_health.STEPS,
    *audit_log.STEPS,
    *dead_letters.STEPS,  # first: the row on which a letter and what was done to it wait for each other
)

_CONFLICTS_IN_A_ROW: Final = 10

Place = tuple[str, int]
Pairs = Sequence[tuple[Record, Decoded]]


class Projector:
    """Writes records of `TOPICS` to their tables, together with the position they came from.

    Calling it again with the same records, or from two processes at once, changes nothing: what lies below the position
    that a projection has stored for a partition is skipped. Records of a partition come in the order of the log.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def project(self, records: Sequence[Record]) -> None:
        """Write what follows from the records, or of either projection nothing; the rest is written when called again.

        ProjectionError names a record that can never be projected, where it is alone or does not decode;
        DataRefusedError says that one of several is refused. DatabaseError of any other class: try again later.
        """
        decoded = [(record, decode(record)) for record in records]
        for conflicts_left in reversed(range(_CONFLICTS_IN_A_ROW)):
            try:
                await self._write(decoded)
            except TransactionConflictError:
                if not conflicts_left:
                    raise
            except DataRefusedError as error:
                if len(records) > 1:
                    raise
                await self._refused(records[0], error)
            else:
                return

    async def _write(self, records: Pairs) -> None:
        """Both projections at once, each by a connection of its own, so that each has a core of the server."""
        history = asyncio.create_task(self._write_history(records))
        try:
            await self._write_present(records, history)
        except BaseException:
            history.cancel()
            await asyncio.gather(history, return_exceptions=True)
            raise

    async def _write_history(self, records: Pairs) -> None:
        async with self._projecting(HISTORY, records) as (session, new):
            for step in _HISTORY:
                await step.apply(session, new)

    async def _write_present(self, records: Pairs, history: Awaitable[None]) -> None:
        """How an event ended follows from the tables of both, so the present is committed last.

        Nothing that makes the history wait may wait for the present: not even for one of another process.
        """
        async with self._projecting(PRESENT, records) as (session, new):
            for step in _PRESENT:
                await step.apply(session, new)
            await history
            for outcome in communication_events.OUTCOMES:
                await outcome.apply(session, new)

    @asynccontextmanager
    async def _projecting(self, projection: str, records: Pairs) -> AsyncIterator[tuple[Session, Records]]:
        """A transaction of a projection, with what it has not written yet; its positions move at the end."""
        places = sorted({(record.topic, record.partition) for record, _ in records})
        async with self._database.transaction() as session:
            positions = await _positions(session, projection, places)
            fresh = [pair for pair in records if pair[0].offset >= positions[pair[0].topic, pair[0].partition]]
            yield session, Records.of(decoded for _, decoded in fresh)
            failpoints.reach("projector.rows_written", projection)
            await _advance(session, projection, (record for record, _ in fresh))
            failpoints.reach("projector.position_written", projection)
        failpoints.reach("projector.committed", projection)

    async def _refused(self, record: Record, error: DataRefusedError) -> None:
        """A dead letter that MySQL refuses is passed over: as a dead letter it would come back for ever."""
        if record.topic != topics.DEAD_LETTER:
            raise ProjectionError(record, "refused", str(error)) from error
        log.error("dead_letter_not_shown", partition=record.partition, offset=record.offset, error=str(error))
        async with self._projecting(PRESENT, [(record, record)]):
            return


async def _positions(session: Session, projection: str, places: Iterable[Place]) -> Mapping[Place, int]:
    """The next offset of each partition, locked until the end of the transaction."""
    for begun in _BEGIN.filled(_row(projection, place, 0) for place in places):
        await session.execute(begun)
    found = await session.fetch(_POSITIONS, (projection,))
    return {(row["topic"], row["partition"]): row["next_offset"] for row in found}


async def _advance(session: Session, projection: str, records: Iterable[Record]) -> None:
    reached: dict[Place, int] = {}
    for record in records:
        place = (record.topic, record.partition)
        reached[place] = max(reached.get(place, 0), record.offset + 1)
    for advanced in _ADVANCE.filled(_row(projection, place, reached[place]) for place in sorted(reached)):
        await session.execute(advanced)


def _row(projection: str, place: Place, next_offset: int) -> Row:
    topic, partition = place
    return {"projection": projection, "topic": topic, "`partition`": partition, "next_offset": next_offset}


# Written by their keys, so that no row is locked but those that are named.
_COLUMNS: Final = ("projection", "topic", "`partition`", "next_offset")
_BEGIN: Final = upsert("projection_offsets", _COLUMNS, {"next_offset": "old.next_offset"})
_ADVANCE: Final = upsert("projection_offsets", _COLUMNS, {"next_offset": "new.next_offset"})
_POSITIONS: Final = "SELECT topic, `partition`, next_offset FROM projection_offsets WHERE projection = %s"

__all__ = ["HISTORY", "PRESENT", "TOPICS", "ProjectionError", "Projector"]
