"""The story of an event, read from MySQL: raw record, decision, command, attempts, acks, and what died on the way."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database, Row
from infra.database import database
from infra.dead_letters.filters import Filter
from infra.dead_letters.found import history, listed
from infra.errors import OperatorError
from infra.settings import Settings
from infra.trace_records import (
    CommandRecord,
    DeadLetter,
    EventRecord,
    Fact,
    MediaRecord,
    MessageRecord,
    PostRecord,
    Sighting,
    Trace,
)
from schemas.events import Coordinates
from streams import identity, topics

MOST_TRACES: Final = 20
"""So many of the events found are read, the newest."""

MOST_LETTERS: Final = 20
"""So many dead letters of a trace are shown."""

_DIGITS: Final = re.compile(r"\d")
_FEWEST_DIGITS: Final = 8


async def find(settings: Settings, wanted: str) -> list[Trace]:
    """The traces of an event id, trace id, command id, idempotency key or phone, the newest first.

    An ack is not found by its phone: it is part of the trace of what it acknowledges. OperatorError where MySQL cannot
    be asked.
    """
    db = database(settings)
    try:
        return await traces(db, wanted.strip())
    except DatabaseError as error:
        raise OperatorError(f"The trace cannot be read from MySQL: {error}; `posto doctor` says what to do.") from None
    finally:
        await db.close()


async def traces(db: Database, wanted: str) -> list[Trace]:
    """The same, of a database that is open."""
    found = await db.fetch(_FIND, _values(wanted))
    if not found:
        letters = await _letters(db, wanted)
        return [Trace(wanted, None, (), (), (), letters)] if letters else []
    return await _traces(db, [row["event_id"] for row in found])


def _values(wanted: str) -> tuple[str | int | None, ...]:
    """What to look for in each column of the statement; None where it cannot be there."""
    uuid, phone = _uuid(wanted), _phone(wanted)
    most = MOST_TRACES
    return (uuid, wanted, wanted, most, phone, most, uuid, wanted, most, phone, most, most)


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _phone(text: str) -> str | None:
    if len(_DIGITS.findall(text)) < _FEWEST_DIGITS or _uuid(text):
        return None
    try:
        return identity.match_key(identity.recipient(text))
    except ValueError:
        return None


async def _traces(db: Database, event_ids: Sequence[str]) -> list[Trace]:
    """All of them in as many statements as one needs; each table is read by the ids of its rows."""
    ids = f"({', '.join(['%s'] * len(event_ids))})"
    events = await db.fetch(f"SELECT * FROM communication_events WHERE event_id IN {ids}", event_ids)  # noqa: S608
    commands = await db.fetch(f"SELECT * FROM outbound_messages WHERE event_id IN {ids}", event_ids)  # noqa: S608
    facts = await db.fetch(_FACTS.format(ids), event_ids)
    sightings = await db.fetch(_SIGHTINGS.format(ids), event_ids)
    messages = await db.fetch(_MESSAGES.format(ids), (*event_ids, *event_ids))
    posts = await db.fetch(f"SELECT * FROM http_requests WHERE event_id IN {ids}", event_ids)  # noqa: S608
    trace_ids = {row["event_id"]: row["trace_id"] for row in (*commands, *events)}
    died = await db.fetch(_DIED.format(ids), [trace_ids[event_id] for event_id in event_ids])
    letters = {row["trace_id"]: await _letters(db, row["trace_id"]) for row in died}

    def of(event_id: str, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row["of_event"] == event_id]

    known = {row["event_id"]: _event(row) for row in events}
    return [
        Trace(
            trace_id=trace_ids[event_id],
            event=known.get(event_id),
            sightings=[_sighting(row) for row in of(event_id, sightings)],
            commands=[_command(row, facts) for row in commands if row["event_id"] == event_id],
            messages=[_message(row) for row in of(event_id, messages)],
            dead_letters=letters.get(trace_ids[event_id], []),
            posts=[_post(row) for row in posts if row["event_id"] == event_id],
        )
        for event_id in event_ids
    ]


def _event(row: Row) -> EventRecord:
    times = {name: _utc(row[name]) for name in ("occurred_at", "received_at", "processed_at")}
    return msgspec.convert({**row, **times, "channel": row["channel_id"]}, EventRecord)


def _post(row: Row) -> PostRecord:
    return msgspec.convert({**row, "handoff": bool(row["handoff"]), "told_at": _utc(row["told_at"])}, PostRecord)


def _command(row: Row, facts: Sequence[Row]) -> CommandRecord:
    return CommandRecord(
        command_id=row["command_id"],
        status=row["status"],
        channel=row["channel_id"],
        recipient=row["recipient"],
        text=row["body"],
        attempts=row["attempts"],
        provider_message_id=row["provider_message_id"],
        last_error=row["last_error"],
        created_at=_sure(row["created_at"]),
        expires_at=_utc(row["expires_at"]),
        facts=[_fact(fact) for fact in facts if fact["command_id"] == row["command_id"]],
    )


def _fact(row: Row) -> Fact:
    where = Coordinates(topics.DELIVERY_STATUS, row["source_partition"], row["source_offset"])
    detail = msgspec.json.decode(row["detail"])
    times = _sure(row["at"]), _sure(row["recorded_at"])
    return Fact(row["fact"], *times, row["status"], row["attempt"], detail, where)


def _sighting(row: Row) -> Sighting:
    raw = Coordinates(row["raw_topic"], row["raw_partition"], row["raw_offset"])
    return Sighting(raw, row["kind"], _sure(row["received_at"]))


def _message(row: Row) -> MessageRecord:
    said = row["conversation_id"], row["direction"], row["status"], _utc(row["at"]), row["text"]
    return MessageRecord(*said, _media(row["attachment"]))


def _media(attachment: str | None) -> MediaRecord | None:
    """What the attachment says of a file; None where there is none, or a producer's payload says something else."""
    attached = msgspec.json.decode(attachment) if attachment else {}
    try:
        return msgspec.convert(attached.get("media"), MediaRecord)
    except msgspec.ValidationError:
        return None


async def _letters(db: Database, trace_id: str) -> list[DeadLetter]:
    """The dead letters of a trace, the first ones, with what became of each."""
    found = await listed(db, Filter(trace=trace_id, state="all"), MOST_LETTERS)
    return [
        DeadLetter(
            stage=letter.stage,
            error_class=letter.error_class,
            error=letter.error_message,
            source=letter.name.source,
            at=letter.created_at,
            state=letter.state,
            history=await history(db, letter.name),
        )
        for letter in sorted(found, key=lambda letter: (letter.created_at, letter.name.source.offset))
    ]


def _utc(naive: datetime | None) -> datetime | None:
    return None if naive is None else _sure(naive)


def _sure(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)


_FIND: Final = """
SELECT event_id, MAX(at) AS at FROM (
    SELECT event_id, received_at AS at FROM communication_events WHERE event_id = %s
    UNION ALL SELECT event_id, received_at FROM communication_events WHERE idempotency_key = %s
    UNION ALL (SELECT event_id, received_at FROM communication_events WHERE trace_id = %s
        ORDER BY received_at DESC LIMIT %s)
    UNION ALL (SELECT event_id, received_at FROM communication_events
        WHERE contact = %s AND event_type <> 'whatsapp.delivery.ack' ORDER BY received_at DESC LIMIT %s)
    UNION ALL SELECT event_id, created_at FROM outbound_messages WHERE command_id = %s
    UNION ALL (SELECT event_id, created_at FROM outbound_messages WHERE trace_id = %s
        ORDER BY created_at DESC LIMIT %s)
    UNION ALL (SELECT event_id, created_at FROM outbound_messages WHERE contact = %s
        ORDER BY created_at DESC LIMIT %s)
) AS found GROUP BY event_id ORDER BY at DESC, event_id LIMIT %s
"""
_SIGHTINGS: Final = """
SELECT *, event_id AS of_event FROM event_sightings WHERE event_id IN {}
ORDER BY received_at, raw_partition, raw_offset
"""
_FACTS: Final = """
SELECT fact.* FROM outbound_messages AS command JOIN delivery_facts AS fact ON fact.command_id = command.command_id
WHERE command.event_id IN {} ORDER BY fact.source_offset
"""
_MESSAGES: Final = """
SELECT event_id AS of_event, conversation_id, direction, status, at, text, attachment FROM messages
WHERE event_id IN {0}
UNION ALL
SELECT command.event_id, message.conversation_id, message.direction, message.status, message.at, message.text,
    message.attachment
FROM outbound_messages AS command JOIN messages AS message ON message.command_id = command.command_id
WHERE command.event_id IN {0}
"""
_DIED: Final = "SELECT DISTINCT trace_id FROM dead_letters WHERE trace_id IN {}"
