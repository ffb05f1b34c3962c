"""`conversations`: one row for a channel with a contact, worked out anew from its messages whenever one changes.

Last message, first message and unread follow from the set of messages, so that no order and no repetition of events
can falsify them. `status`, `assigned_to` and `read_until` belong to conversation.change.
"""

from typing import Final

from adapters.mysql.pool import Session
from adapters.mysql.projections import messages
from adapters.mysql.projections.outbound_messages import conversation_of
from adapters.mysql.records import Records
from adapters.mysql.statements import TEXT, Row, among, first, over, upsert
from adapters.mysql.steps import Write
from streams import identity


def opened(records: Records) -> list[Row]:
    """The conversations that the records name with their contact."""
    rows: dict[str, Row] = {}
    for event in messages.shown(records):
        conversation_id = event.conversation_id or identity.conversation_id(event.channel, event.contact)
        if conversation_id:
            tenant_id = event.decision.tenant_id if event.decision else event.tenant_id
            rows[conversation_id] = _row(conversation_id, tenant_id, event.channel, event.contact)
    for command in (report.fact.command for report in records.reports):
        conversation_id = conversation_of(command) if command else None
        if command and conversation_id:
            rows[conversation_id] = _row(conversation_id, command.tenant_id, command.channel, command.contact)
    return [rows[conversation_id] for conversation_id in sorted(rows)]


def _row(conversation_id: str, tenant_id: int | None, channel: str | None, contact: str | None) -> Row:
    return {"id": conversation_id, "tenant_id": tenant_id, "channel_id": channel, "contact": contact}


class Messages:
    """Writes the messages, then works out the conversations in which they were and are."""

    async def apply(self, session: Session, records: Records) -> None:
        """Lock the conversations before reading them: what another transaction adds is seen by the later of both.

        Those that the records name are locked since their row was written.
        """
        named = {row["id"] for row in opened(records)}
        touched = named | await _touched(session, records)
        for step in messages.STEPS:
            await step.apply(session, records)
        touched |= await _touched(session, records)
        for statement, ids in ((_LOCK, touched - named), (_SUMMARIZE, touched)):
            for filled in statement.filled({"id": conversation_id} for conversation_id in sorted(ids)):
                await session.execute(filled)


async def _touched(session: Session, records: Records) -> set[str]:
    """Where the messages lie by what their events say and by what their commands say."""
    touched: set[str] = set()
    keys = [{"channel_id": event.channel, "message_key": messages.key_of(event)} for event in messages.shown(records)]
    for statement, rows in ((_BY_KEY, keys), (_BY_COMMAND, messages.commanded(records))):
        for filled in statement.filled(rows):
            for found in await session.fetch(filled):
                touched |= {found["event_conversation_id"], found["command_conversation_id"]} - {None}
    return touched


_PLACES: Final = "SELECT DISTINCT message.event_conversation_id, message.command_conversation_id FROM"
_BY_KEY: Final = over(
    {"channel_id": TEXT, "message_key": TEXT},
    f"{_PLACES} {{rows}} STRAIGHT_JOIN messages AS message "
    "ON message.channel_id = new.channel_id AND message.message_key = new.message_key",
)
_BY_COMMAND: Final = over(
    {"command_id": TEXT},
    f"{_PLACES} {{rows}} STRAIGHT_JOIN messages AS message ON message.command_id = new.command_id",
)
# The indexes are named since MariaDB, left to itself, reads all messages to find the last one of a conversation.
_ALL: Final = "FROM messages AS message FORCE INDEX (by_conversation) WHERE message.conversation_id = conversation.id"
_INBOUND: Final = (
    "FROM messages AS message FORCE INDEX (by_direction) "
    "WHERE message.conversation_id = conversation.id AND message.direction = 'inbound'"
)
_LOCK: Final = among("id", "SELECT id FROM conversations FORCE INDEX (PRIMARY) WHERE id IN {rows} FOR UPDATE")
_SUMMARIZE: Final = among(
    "id",
    "UPDATE conversations AS conversation FORCE INDEX (PRIMARY) SET "  # noqa: S608
    f"conversation.first_message_at = (SELECT message.at {_ALL} ORDER BY message.at LIMIT 1), "
    f"conversation.last_message_at = (SELECT message.at {_ALL} ORDER BY message.at DESC LIMIT 1), "
    "conversation.last_message_key = "
    f"(SELECT message.message_key {_ALL} ORDER BY message.at DESC, message.message_key DESC LIMIT 1), "
    f"conversation.last_inbound_at = (SELECT message.at {_INBOUND} ORDER BY message.at DESC LIMIT 1), "
    f"conversation.unread = (SELECT COUNT(*) {_INBOUND} "
    "AND message.at > COALESCE(conversation.read_until, '1000-01-01')) WHERE conversation.id IN {rows}",
)

STEPS: Final = (
    Write(
        opened,
        upsert(
            "conversations",
            ("id", "tenant_id", "channel_id", "contact"),
            first("tenant_id"),
        ),
    ),
    Messages(),
)
