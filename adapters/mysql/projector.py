"""The projector: records of the log in, rows in MySQL out, each record once."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
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
    outbound_messages,
)
from adapters.mysql.records import Decoded, ProjectionError, Records, decode
from adapters.mysql.steps import Step
from streams import failpoints, topics
from streams.records import Record

log = structlog.get_logger()

TOPICS: Final = (
    topics.EVENT_ACCEPTED,
    topics.DELIVERY_STATUS,
    topics.CONTACT_LINK,
    topics.AUDIT_CHANGE,
    topics.DEAD_LETTER,
)

PROJECTION: Final = "tables"
"""Name of the one position that all tables share: they are written in one transaction."""

STEPS: Final[Sequence[Step]] = tuple(
    chain(
        outbound_messages.STEPS,  # first: the row on which an event and its deliveries wait for each other
        delivery_facts.STEPS,
        delivery_attempts.STEPS,
        event_sightings.STEPS,
        communication_events.STEPS,
        conversations.STEPS,  # messages among them
        contacts.STEPS,  # first: the row on which a contact and its links wait for each other
        contact_links.STEPS,
        channel_health.STEPS,
        audit_log.STEPS,
        dead_letters.STEPS,  # first: the row on which a letter and what was done to it wait for each other
    )
)

_CONFLICTS_IN_A_ROW: Final = 10

Place = tuple[str, int]


class Projector:
    """Writes records of `TOPICS` to their tables, together with the position they came from.

    Calling it again with the same records, or from two processes at once, changes nothing: per partition, what lies
    below the stored position is skipped. Records of a partition come in the order of the log.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def project(self, records: Sequence[Record]) -> None:
        """Write what follows from the records, all of it or nothing.

        ProjectionError names a record that can never be projected, where it is alone or does not decode;
        DataRefusedError says that one of several is refused. DatabaseError of any other class: try again later.
        """
        decoded = [(record, decode(record)) for record in records]
        for conflicts_left in reversed(range(_CONFLICTS_IN_A_ROW)):
            try:
                await self._write(decoded, STEPS)
            except TransactionConflictError:
                if not conflicts_left:
                    raise
            except DataRefusedError as error:
                if len(records) > 1:
                    raise
                await self._refused(records[0], error)
            else:
                return

    async def _write(self, records: Sequence[tuple[Record, Decoded]], steps: Iterable[Step]) -> None:
        places = sorted({(record.topic, record.partition) for record, _ in records})
        async with self._database.transaction() as session:
            positions = await _positions(session, places)
            fresh = [pair for pair in records if pair[0].offset >= positions[pair[0].topic, pair[0].partition]]
            if not fresh:
                return
            new = Records.of(decoded for _, decoded in fresh)
            for step in steps:
                await step.apply(session, new)
            failpoints.reach("projector.rows_written")
            await _advance(session, (record for record, _ in fresh))
            failpoints.reach("projector.position_written")
        failpoints.reach("projector.committed")

    async def _refused(self, record: Record, error: DataRefusedError) -> None:
        """A dead letter that MySQL refuses is passed over: as a dead letter it would come back for ever."""
        if record.topic != topics.DEAD_LETTER:
            raise ProjectionError(record, "refused", str(error)) from error
        log.error("dead_letter_not_shown", partition=record.partition, offset=record.offset, error=str(error))
        await self._write([(record, record)], ())


async def _positions(session: Session, places: Iterable[Place]) -> Mapping[Place, int]:
    """The next offset of each partition, locked until the end of the transaction."""
    positions = {}
    for topic, partition in places:
        place = (PROJECTION, topic, partition)
        await session.execute(_BEGIN, place)
        positions[topic, partition] = (await session.fetch(_POSITION, place))[0]["next_offset"]
    return positions


async def _advance(session: Session, records: Iterable[Record]) -> None:
    reached: dict[Place, int] = {}
    for record in records:
        place = (record.topic, record.partition)
        reached[place] = max(reached.get(place, 0), record.offset + 1)
    for (topic, partition), next_offset in reached.items():
        await session.execute(_ADVANCE, (next_offset, PROJECTION, topic, partition))


_BEGIN: Final = (
    "INSERT INTO projection_offsets (projection, topic, `partition`, next_offset) VALUES (%s, %s, %s, 0) "
    "ON DUPLICATE KEY UPDATE projection = projection"
)
_PLACE: Final = "projection = %s AND topic = %s AND `partition` = %s"
_POSITION: Final = f"SELECT next_offset FROM projection_offsets WHERE {_PLACE} FOR UPDATE"  # noqa: S608
_ADVANCE: Final = f"UPDATE projection_offsets SET next_offset = %s WHERE {_PLACE}"  # noqa: S608

__all__ = ["PROJECTION", "STEPS", "TOPICS", "ProjectionError", "Projector"]
