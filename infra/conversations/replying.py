"""A reply in a conversation: an event like any other, to exactly the identity that the network used last in it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.edge.arrivals import Arrival
from adapters.edge.submissions import Submitter
from adapters.mysql.channels import all_channels
from adapters.mysql.pool import Database, Row
from infra.context import Context
from infra.conversations.reading import linked, one
from infra.errors import ConflictError, InvalidError
from schemas.chat import AuthorKind, Reply
from schemas.events import EventIn
from streams import keys, replies
from streams.normalization import event_in
from streams.normalization.content import MAX_TEXT

SOURCE: Final = "posto chat"
"""The header `source` of what is sent so."""

_LOOKED_THROUGH: Final = 200
"""So many of the last messages are looked through for an identity that the network used."""


class Replied(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that is kept: the ids by which `posto trace` finds it, and to whom it goes."""

    event_id: str
    trace_id: str
    conversation_id: str
    to: str


async def reply(
    context: Context,
    conversation_id: str,
    text: str,
    *,
    author: str,
    external_id: str,
    in_reply_to: str | None = None,
    expires_at: datetime | None = None,
    trace_id: str | None = None,
) -> Replied:
    """Return once Kafka has it. The same `external_id` again sends nothing more, and gets the same answer.

    UnknownError where there is no such conversation, InvalidError where there is nothing to send, or another text came
    under this id before, ConflictError where its channel cannot send for it.
    """
    if not text.strip() or len(text) > MAX_TEXT:
        raise InvalidError(f"text: must say something, in at most {MAX_TEXT} characters.", "body.text")
    conversation = await one(context.db, conversation_id)
    channel_id = await sending_channel(context.db, conversation)
    to = await identity_of(context.db, conversation)
    event = replies.event_of(
        Reply(to=to, text=text, conversation_id=conversation_id, author=author, in_reply_to=in_reply_to),
        AuthorKind.HUMAN,
        external_id=external_id,
        tenant_id=conversation["tenant_id"],
        channel=channel_id,
        conversation_id=conversation_id,
        trace_id=trace_id,
    )
    if expires_at is not None:
        event = msgspec.structs.replace(event, expires_at=expires_at.isoformat())
    if known := await _known(context.db, event):
        return known
    submission = Submitter(Arrival(SOURCE, {}), None, None).submit(msgspec.json.encode(event))
    topic, key, value, headers = submission.entry
    producer = await context.producer()
    await producer.send_and_wait(topic, value, key=key, headers=list(headers))
    return Replied(event_id=submission.event_id, trace_id=submission.trace_id, conversation_id=conversation_id, to=to)


async def answerable(db: Database, conversation: Row) -> Row:
    """A conversation with the identity that a reply would go to, and the obstacle, where it could not be sent now."""
    obstacle: str | None = None
    try:
        await sending_channel(db, conversation)
    except ConflictError as error:
        obstacle = str(error)
    return conversation | {
        "linked": await linked(db, conversation),
        "reply_to": await identity_of(db, conversation),
        "obstacle": obstacle,
    }


async def sending_channel(db: Database, conversation: Mapping[str, Any]) -> str:
    """The channel of a conversation as the gateway spells it; ConflictError where it cannot send for it now."""
    channels = await all_channels(db)
    found = next((channel for channel in channels if channel.id == conversation["channel"]), None)
    if found is None:
        raise ConflictError(
            f"Channel {conversation['channel']!r} belongs to nobody any more: `posto channels connect` gives it to a "
            "tenant again."
        )
    if found.tenant_id != conversation["tenant_id"]:
        raise ConflictError(
            f"Channel {found.channel_id!r} is tenant {found.tenant_id}'s by now, and the conversation is tenant "
            f"{conversation['tenant_id']}'s: it can be answered once its contact writes to the new owner."
        )
    if not (found.is_enabled and found.tenant_is_enabled):
        what = f"Channel {found.channel_id!r}" if found.tenant_is_enabled else f"Tenant {found.tenant_id}"
        raise ConflictError(f"{what} is disabled: `posto channels enable {found.id}` or `posto tenants` enables it.")
    return found.channel_id


async def identity_of(db: Database, conversation: Mapping[str, Any]) -> str:
    """The id that the network used last in a conversation: a lid, a phone with or without its ninth digit, a group.

    An echo may name the contact by another id (a lid for a phone): that one counts where the two are known to be one
    person. Where the network has not said anything yet, it is the id that was written to.
    """
    rows = await db.fetch(_USED, (conversation["id"], _LOOKED_THROUGH))
    same = {conversation["contact"], *(row["contact"] for row in await db.fetch(_SAME, _address(conversation)))}
    for row in rows:
        if row["chat"] and row["contact"] in same:
            return str(row["chat"])
    known = await db.fetch(_KNOWN_ID, _address(conversation)[:2])
    if known and known[0]["network_id"]:
        return str(known[0]["network_id"])
    return next((str(row["recipient"]) for row in rows if row["recipient"]), str(conversation["contact"]))


def _address(conversation: Mapping[str, Any]) -> tuple[Any, ...]:
    return conversation["tenant_id"], conversation["contact"], conversation["tenant_id"], conversation["person"]


async def _known(db: Database, event: EventIn) -> Replied | None:
    """What was answered to the same reply before; InvalidError where another text came under its id."""
    event_id = keys.event_id(event_in.check(msgspec.to_builtins(event)).idempotency_key)
    rows = await db.fetch("SELECT trace_id, payload FROM communication_events WHERE event_id = %s", (event_id,))
    if not rows:
        return None
    said = msgspec.json.decode(rows[0]["payload"])
    if said["text"] != event.payload["text"]:
        raise InvalidError("Another text was sent under this key: take a new key for a new reply.", "Idempotency-Key")
    return Replied(
        event_id=event_id, trace_id=rows[0]["trace_id"], conversation_id=said["conversation_id"], to=said["to"]
    )


_USED: Final = """
SELECT JSON_UNQUOTE(JSON_EXTRACT(event.payload, '$.chat')) AS chat, event.contact, sent.recipient
FROM (
    SELECT event_id, command_id, at, message_key FROM messages FORCE INDEX (by_conversation)
    WHERE conversation_id = %s ORDER BY at DESC, message_key DESC LIMIT %s
) AS message
LEFT JOIN communication_events AS event ON event.event_id = message.event_id
LEFT JOIN outbound_messages AS sent ON sent.command_id = message.command_id
ORDER BY message.at DESC, message.message_key DESC
"""
_SAME: Final = """
SELECT contact FROM contacts WHERE tenant_id = %s AND contact = %s
UNION SELECT contact FROM contacts WHERE tenant_id = %s AND person = %s
"""
_KNOWN_ID: Final = "SELECT network_id FROM contacts WHERE tenant_id = %s AND contact = %s"
