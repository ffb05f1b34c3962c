"""The story of an event, read from MySQL: raw record, decision, command, attempts, acks, and what died on the way."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database, Row
from infra.database import database
from infra.errors import OperatorError
from infra.settings import Settings
from schemas.events import Coordinates
from streams import identity, topics

MOST_TRACES: Final = 20
"""So many of the events found are read, the newest."""

_DIGITS: Final = re.compile(r"\d")
_FEWEST_DIGITS: Final = 8


class Sighting(msgspec.Struct, frozen=True):
    """One raw record in which the event was seen."""

    raw: Coordinates
    kind: str
    received_at: datetime


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The event and what was decided."""

    event_id: str
    idempotency_key: str
    event_type: str
    source_system: str
    kind: str
    status: str
    action: str
    tenant_id: int | None
    channel: str | None
    contact: str | None
    conversation_id: str | None
    correlation_id: str | None
    reason: str | None
    rule_id: str | None
    rule_version: int | None
    template: str | None
    template_version: int | None
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime | None
    duplicates: int


class Fact(msgspec.Struct, frozen=True):
    """One fact about the command, where it lies in `delivery.status`.

    `recorded_at` is when the hub wrote it down; `at` is its own time, for an ack that of the network, in whole seconds.
    """

    fact: str
    at: datetime
    recorded_at: datetime
    status: str
    attempt: int
    detail: dict[str, Any]
    record: Coordinates


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The command that was made, as far as its facts tell."""

    command_id: str
    status: str
    channel: str
    recipient: str | None
    text: str | None
    attempts: int
    provider_message_id: str | None
    last_error: str | None
    created_at: datetime
    expires_at: datetime | None
    facts: Sequence[Fact]


class MessageRecord(msgspec.Struct, frozen=True):
    """A message of a conversation."""

    conversation_id: str | None
    direction: str
    status: str | None
    at: datetime | None
    text: str | None


class DeadLetter(msgspec.Struct, frozen=True):
    """Something with the same trace that could not be processed."""

    stage: str
    error: str
    source: Coordinates
    at: datetime


class Trace(msgspec.Struct, frozen=True):
    """One event with all that came of it. `event` is None while only its deliveries, or a dead letter, are known."""

    trace_id: str
    event: EventRecord | None
    sightings: Sequence[Sighting]
    commands: Sequence[CommandRecord]
    messages: Sequence[MessageRecord]
    dead_letters: Sequence[DeadLetter]


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
        letters = await db.fetch(_LETTERS, (wanted,))
        return [Trace(wanted, None, (), (), (), [_letter(row) for row in letters])] if letters else []
    return [await _trace(db, row["event_id"]) for row in found]


def _values(wanted: str) -> tuple[str | int | None, ...]:
    """What to look for in each column of the statement; None where it cannot be there."""
    uuid, phone = _uuid(wanted), _phone(wanted)
    return (uuid, wanted, wanted, phone, uuid, wanted, phone, MOST_TRACES)


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


async def _trace(db: Database, event_id: str) -> Trace:
    event = await db.fetch("SELECT * FROM communication_events WHERE event_id = %s", (event_id,))
    commands = await db.fetch("SELECT * FROM outbound_messages WHERE event_id = %s", (event_id,))
    facts = await db.fetch(_FACTS, (event_id,))
    trace_id = (event or commands)[0]["trace_id"]
    return Trace(
        trace_id=trace_id,
        event=_event(event[0]) if event else None,
        sightings=[_sighting(row) for row in await db.fetch(_SIGHTINGS, (event_id,))],
        commands=[_command(row, facts) for row in commands],
        messages=[_message(row) for row in await db.fetch(_MESSAGES, (event_id, event_id))],
        dead_letters=[_letter(row) for row in await db.fetch(_LETTERS, (trace_id,))],
    )


def _event(row: Row) -> EventRecord:
    times = {name: _utc(row[name]) for name in ("occurred_at", "received_at", "processed_at")}
    return msgspec.convert({**row, **times, "channel": row["channel_id"]}, EventRecord)


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
    return MessageRecord(row["conversation_id"], row["direction"], row["status"], _utc(row["at"]), row["text"])


def _letter(row: Row) -> DeadLetter:
    source = Coordinates(row["source_topic"], row["source_partition"], row["source_offset"])
    return DeadLetter(row["stage"], f"{row['error_class']}: {row['error_message']}", source, _sure(row["created_at"]))


def _utc(naive: datetime | None) -> datetime | None:
    return None if naive is None else _sure(naive)


def _sure(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)


_FIND: Final = """
SELECT event_id, MAX(at) AS at FROM (
    SELECT event_id, received_at AS at FROM communication_events WHERE event_id = %s
    UNION ALL SELECT event_id, received_at FROM communication_events WHERE idempotency_key = %s
    UNION ALL SELECT event_id, received_at FROM communication_events WHERE trace_id = %s
    UNION ALL SELECT event_id, received_at FROM communication_events
        WHERE contact = %s AND event_type <> 'whatsapp.delivery.ack'
    UNION ALL SELECT event_id, created_at FROM outbound_messages WHERE command_id = %s
    UNION ALL SELECT event_id, created_at FROM outbound_messages WHERE trace_id = %s
    UNION ALL SELECT event_id, created_at FROM outbound_messages WHERE contact = %s
) AS found GROUP BY event_id ORDER BY at DESC, event_id LIMIT %s
"""
_SIGHTINGS: Final = "SELECT * FROM event_sightings WHERE event_id = %s ORDER BY received_at, raw_partition, raw_offset"
_FACTS: Final = """
SELECT fact.* FROM outbound_messages AS command JOIN delivery_facts AS fact ON fact.command_id = command.command_id
WHERE command.event_id = %s ORDER BY fact.source_offset
"""
_MESSAGES: Final = """
SELECT conversation_id, direction, status, at, text FROM messages WHERE event_id = %s
UNION ALL
SELECT message.conversation_id, message.direction, message.status, message.at, message.text
FROM outbound_messages AS command JOIN messages AS message ON message.command_id = command.command_id
WHERE command.event_id = %s
"""
_LETTERS: Final = "SELECT * FROM dead_letters WHERE trace_id = %s ORDER BY created_at, source_offset LIMIT 20"
