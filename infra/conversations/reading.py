"""Conversations and their messages, read from MySQL, page by page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adapters.mysql.lists import Found, Position, Table, Wanted, found
from adapters.mysql.pool import Database, Row, Session
from infra.errors import InvalidError, UnknownError
from streams import identity

_COLUMNS: Final = (
    *("id", "tenant_id", "channel_id", "contact", "status", "assigned_to", "assigned_at", "assigned_by", "unread"),
    *("read_until", "read_at", "read_by", "state_at", "state_by", "state_reason", "first_message_at"),
    *("last_message_at", "last_inbound_at", "last_received_at"),
)
_LONGEST_PREVIEW: Final = 200
_SHOWN: Final = ", ".join(
    (
        *(f"one.{name}" for name in _COLUMNS),
        "who.display_name, who.person",
        "last.message_key AS last_key, last.direction AS last_direction, last.type AS last_type",
        f"last.status AS last_status, LEFT(last.text, {_LONGEST_PREVIEW}) AS last_text",
    )
)
_JOINS: Final = (
    "LEFT JOIN contacts AS who ON who.tenant_id = one.tenant_id AND who.contact = one.contact "
    "LEFT JOIN messages AS last ON last.channel_id = one.channel_id AND last.message_key = one.last_message_key"
)
CONVERSATIONS: Final = Table(
    name="conversations",
    columns=_SHOWN,
    time="last_message_at",
    conditions={
        "contacts": "one.contact IN (%s)",
        "assigned_to": "one.assigned_to = %s",
        "channel": "one.channel_id = %s",
        "tenant": "one.tenant_id = %s",
        "status": "one.status = %s",
        "unread": "(one.unread > 0) = %s",
        "unassigned": "(one.assigned_to IS NULL) = %s",
    },
    indexes={
        "contacts": "by_contact",
        "assigned_to": "by_assignee",
        "channel": "by_channel",
        "tenant": "by_tenant",
        None: "by_time",
    },
    always="one.last_message_at IS NOT NULL",
    joins=_JOINS,
)
MESSAGES: Final = Table(
    name="messages",
    columns=(
        "one.channel_id, one.message_key, one.conversation_id, one.tenant_id, one.direction, one.status, one.type, "
        "one.at, one.event_received_at, one.author, one.author_name, one.event_id, one.command_id, one.text, "
        "one.attachment, one.media_state, one.media_ref, sent.event_id AS sent_event_id, sent.event_type AS sent_type, "
        "sent.author_kind, sent.author AS written_by, sent.in_reply_to, sent.last_error"
    ),
    time="at",
    key="message_key",
    with_key=("channel_id",),
    conditions={
        "conversation": "one.conversation_id = %s",
        "direction": "one.direction = %s",
        "status": "one.status = %s",
        "type": "one.type = %s",
        "media": "one.media_state = %s",
        "text": "LOCATE(%s, CONVERT(one.text USING utf8mb4) COLLATE utf8mb4_general_ci) > 0",
    },
    indexes={"conversation": "by_conversation"},
    joins="LEFT JOIN outbound_messages AS sent ON sent.command_id = one.command_id",
)


async def listed(db: Database, wanted: Wanted) -> Found:
    """Conversations with messages, those with the newest one first."""
    page = await found(db, CONVERSATIONS, wanted)
    return Found([_conversation(row) for row in page.rows], page.after)


async def walked(db: Database, filters: Mapping[str, Any], limit: int) -> list[Row]:
    """The first of a list, however many pages that takes."""
    rows: list[Row] = []
    after: Position | None = None
    while len(rows) < limit:
        page = await listed(db, Wanted(limit=limit - len(rows), filters=filters, after=after))
        rows += page.rows
        if (after := page.after) is None:
            break
    return rows


async def one(db: Database | Session, conversation_id: str) -> Row:
    """One conversation; UnknownError where there is none of that id."""
    rows = await db.fetch(f"SELECT {_SHOWN} FROM conversations AS one {_JOINS} WHERE one.id = %s", (conversation_id,))  # noqa: S608
    if not rows:
        raise UnknownError("There is no such conversation: a list of them shows the ids, `<channel>:<contact>`.")
    return _conversation(rows[0])


async def messages(db: Database, wanted: Wanted) -> Found:
    """The messages of one conversation (the filter `conversation`), the newest first."""
    page = await found(db, MESSAGES, wanted)
    return Found([_message(row) for row in page.rows], page.after)


async def newest(db: Database, conversation_id: str, limit: int) -> list[Row]:
    """The newest messages of a conversation, the newest first."""
    return list((await messages(db, Wanted(limit=limit, filters={"conversation": conversation_id}))).rows)


async def linked(db: Database, conversation: Row) -> list[str]:
    """The other conversations of a channel with the same person: by their phone, or by a lid that it is."""
    values = (conversation["tenant_id"], conversation["person"], conversation["channel_id"], conversation["id"])
    return [row["id"] for row in await db.fetch(_LINKED, values)]


async def named(db: Database, wanted: str, channel: str | None = None) -> Row:
    """The conversation of this id, or the one with the phone, lid or group that is meant, in any spelling.

    UnknownError where there is none, InvalidError where there are several.
    """
    wanted = wanted.strip()
    if identity.parties_of(wanted) is not None:
        return await one(db, wanted)
    keys = await contacts_of(db, wanted)
    filters = {"contacts": keys, "channel": channel and identity.canonical_channel(channel)}
    rows = (await listed(db, Wanted(limit=2, filters=filters))).rows
    if not rows:
        raise UnknownError("There is no conversation with that contact; `posto chat list` shows those that there are.")
    if len(rows) > 1:
        raise InvalidError(
            "There are several conversations with that contact: say which, by its id (`posto chat list --contact ... "
            "--show-personal`), or by --channel."
        )
    return rows[0]


async def contacts_of(db: Database, spelled: str) -> tuple[str, ...]:
    """The match keys of a person by any of their ids, in any spelling; InvalidError where it is no id."""
    try:
        key = identity.match_key(identity.recipient(spelled.strip()))
    except ValueError as error:
        raise InvalidError(f"contact: {error}.", "contact") from None
    return tuple(sorted({key, *(row["contact"] for row in await db.fetch(_SAME_PERSON, (key, key)))}))


def _conversation(row: Row) -> Row:
    shown = {name: _utc(row[name]) for name in _COLUMNS}
    last = {name: row[f"last_{name}"] for name in ("key", "direction", "type", "status", "text")}
    return shown | {
        "channel": row["channel_id"],
        "display_name": row["display_name"],
        "person": row["person"] or row["contact"],
        "last_message": last if last["key"] else None,
    }


def _message(row: Row) -> Row:
    return {
        **{name: _utc(value) for name, value in row.items()},
        "channel": row["channel_id"],
        "received_at": _utc(row["event_received_at"]),
        "event_id": row["sent_event_id"] or row["event_id"],
        "origin": _origin(row),
        "attachment": msgspec.json.decode(row["attachment"]) if row["attachment"] else None,
    }


def _origin(row: Row) -> str:
    """Who said it: the contact, somebody in the hub, a rule of it, or who holds the channel's phone."""
    if row["direction"] == "inbound":
        return "contact"
    if row["command_id"] is None:
        return "phone"
    return "reply" if row["author_kind"] else "rule"


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


_LINKED: Final = """
SELECT other.id FROM contacts AS who JOIN conversations AS other FORCE INDEX (by_contact) ON other.contact = who.contact
WHERE who.tenant_id = %s AND who.person = %s AND other.channel_id = %s AND other.id <> %s
    AND other.last_message_at IS NOT NULL ORDER BY other.last_message_at DESC
"""
_SAME_PERSON: Final = """
SELECT other.contact FROM tenants AS tenant STRAIGHT_JOIN contacts AS other FORCE INDEX (by_person)
    ON other.tenant_id = tenant.id AND other.person = %s
UNION SELECT other.contact FROM contacts AS known STRAIGHT_JOIN contacts AS other FORCE INDEX (by_person)
    ON other.tenant_id = known.tenant_id AND other.person = known.person WHERE known.contact = %s
"""
