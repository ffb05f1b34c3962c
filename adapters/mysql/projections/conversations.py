"""`conversations`: one row for a channel with a contact, worked out anew from its messages whenever one changes.

Last message, first message and unread follow from the set of messages, so that no order and no repetition of events
can falsify them; the tenant is that of the last message. From conversation.change, whose latest word of each kind
counts: who takes care of it, how far it was read, and whether it is closed, which it is until a message comes in that
had not come in by then. A message that comes in a week late is history: it is not unread and opens nothing.
"""

from typing import Final

from adapters.mysql.pool import Session
from adapters.mysql.projections import messages
from adapters.mysql.projections.outbound_messages import conversation_of
from adapters.mysql.records import Records
from adapters.mysql.statements import TEXT, Row, Statement, among, cut, first, over, time, upsert, where
from adapters.mysql.steps import Write
from schemas.conversations import ConversationChange, ConversationChangeKind, ConversationStatus
from streams import identity

_LONGEST_NAME: Final = 191
_LONGEST_REASON: Final = 500


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
    for change in records.conversation_changes:
        if parties := identity.parties_of(change.conversation_id):
            rows.setdefault(change.conversation_id, _row(change.conversation_id, change.tenant_id, *parties))
    return [rows[conversation_id] for conversation_id in sorted(rows)]


def assigned(records: Records) -> list[Row]:
    """Who takes care of which conversation."""
    return [
        _said(change, "assigned") | {"assigned_to": cut(change.assignee, _LONGEST_NAME)}
        for change in _changes(records, ConversationChangeKind.ASSIGNED)
    ]


def stated(records: Records) -> list[Row]:
    """Which conversations were closed, and which were opened again."""
    kinds = (ConversationChangeKind.CLOSED, ConversationChangeKind.REOPENED)
    return [
        _said(change, "state")
        | {
            "state": change.what,
            "state_reason": cut(change.reason, _LONGEST_REASON),
            "closed_until": time(change.until),
        }
        for change in _changes(records, *kinds)
    ]


def read(records: Records) -> list[Row]:
    """How far which conversation was read."""
    return [
        _said(change, "read") | {"read_until": time(change.until)}
        for change in _changes(records, ConversationChangeKind.READ)
    ]


def _changes(records: Records, *kinds: ConversationChangeKind) -> list[ConversationChange]:
    found = (change for change in records.conversation_changes if change.what in kinds)
    return sorted(found, key=lambda change: (change.conversation_id, change.at, change.change_id))


def _said(change: ConversationChange, of: str) -> Row:
    """Whose word it is. Its row is there since `opened`, the parties are only named for the table's sake."""
    return {
        "id": change.conversation_id,
        "channel_id": "",
        "contact": "",
        f"{of}_at": time(change.at),
        f"{of}_by": cut(change.by, _LONGEST_NAME),
        f"{of}_change": change.change_id,
    }


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
_HISTORY: Final = "INTERVAL 7 DAY"


def _after(seen: str) -> str:
    """The messages that had not come in by then; the index holds all that is asked."""
    return (
        f"{_INBOUND} AND (conversation.{seen} IS NULL OR message.at > conversation.{seen} - {_HISTORY}) "
        f"AND (conversation.{seen} IS NULL OR message.event_received_at > conversation.{seen})"
    )


_LOCK: Final = among("id", "SELECT id FROM conversations FORCE INDEX (PRIMARY) WHERE id IN {rows} FOR UPDATE")
_SUMMARIZE: Final = among(
    "id",
    "UPDATE conversations AS conversation FORCE INDEX (PRIMARY) SET "  # noqa: S608
    f"conversation.first_message_at = (SELECT message.at {_ALL} ORDER BY message.at LIMIT 1), "
    f"conversation.last_message_at = (SELECT message.at {_ALL} ORDER BY message.at DESC LIMIT 1), "
    "conversation.last_message_key = "
    f"(SELECT message.message_key {_ALL} ORDER BY message.at DESC, message.message_key DESC LIMIT 1), "
    f"conversation.tenant_id = COALESCE((SELECT message.tenant_id {_ALL} "
    "ORDER BY message.at DESC, message.message_key DESC LIMIT 1), conversation.tenant_id), "
    f"conversation.last_inbound_at = (SELECT message.at {_INBOUND} ORDER BY message.at DESC LIMIT 1), "
    f"conversation.last_received_at = (SELECT MAX(message.event_received_at) {_INBOUND} "
    f"AND message.at > conversation.last_inbound_at - {_HISTORY}), "
    f"conversation.unread = (SELECT COUNT(*) {_after('read_until')}), "
    f"conversation.status = IF(conversation.state = '{ConversationChangeKind.CLOSED}' "
    f"AND NOT EXISTS (SELECT 1 {_after('closed_until')}), '{ConversationStatus.CLOSED}', '{ConversationStatus.OPEN}') "
    "WHERE conversation.id IN {rows}",
)


def _latest_word(of: str, *names: str) -> Statement:
    """Each kind has its own latest word: of two at one moment, that of the greater id."""
    word = (f"{of}_at", f"{of}_change")
    later = (
        f"old.{of}_at IS NULL OR new.{of}_at > old.{of}_at "
        f"OR (new.{of}_at = old.{of}_at AND new.{of}_change > old.{of}_change)"
    )
    columns = (*names, f"{of}_by", *reversed(word))
    return upsert("conversations", ("id", "channel_id", "contact", *columns), where(later, *columns))


STEPS: Final = (
    Write(
        opened,
        upsert(
            "conversations",
            ("id", "tenant_id", "channel_id", "contact"),
            first("tenant_id"),
        ),
    ),
    Write(assigned, _latest_word("assigned", "assigned_to")),
    Write(stated, _latest_word("state", "state", "state_reason", "closed_until")),
    Write(read, _latest_word("read", "read_until")),
    Messages(),
)
