"""Where a field of a webhook may be found: the table, and nothing else that searches.

Each row lists places in the order in which they are asked; the first usable value wins. There is no recursive search:
one that looked for "anything like a phone" once found the hub's own number.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

from streams import identity
from streams.identity import MessageId
from streams.normalization import values

Parts = tuple[dict[str, Any], ...]
Place = tuple[int, str]
Found = TypeVar("Found")

TOP, MESSAGE, DATA, PAYLOAD, MESSAGE_KEY, DATA_KEY, PAYLOAD_KEY, SESSION, CONNECTION, ACK, METADATA, DATA_SESSION = (
    range(12)
)
"""The objects of a body that hold fields; `PAYLOAD` is `raw.payload`, or the body itself where there is none."""

CHANNEL: Final[tuple[Place, ...]] = (
    (TOP, "sessionId"), (SESSION, "id"), (SESSION, "session"), (TOP, "session"), (DATA_SESSION, "id"),
    (METADATA, "channel_id"), (TOP, "channelId"), (TOP, "channel_id"), (TOP, "channel"), (DATA, "channel"),
    (PAYLOAD, "session"),
)  # fmt: skip
_OTHER_PARTY: Final[tuple[Place, ...]] = (
    (MESSAGE_KEY, "remoteJid"), (DATA_KEY, "remoteJid"), (PAYLOAD_KEY, "remoteJid"),
)  # fmt: skip
FROM: Final[tuple[Place, ...]] = ((TOP, "from"), (MESSAGE, "from"), (DATA, "from"), (PAYLOAD, "from"))
TO: Final[tuple[Place, ...]] = ((TOP, "to"), (MESSAGE, "to"), (DATA, "to"), (PAYLOAD, "to"))
_SENDER: Final = FROM + _OTHER_PARTY
_ADDRESSEE: Final = TO + _OTHER_PARTY
CHAT: Final[tuple[Place, ...]] = (
    (TOP, "chatId"), (MESSAGE, "chatId"), (DATA, "chatId"), (PAYLOAD, "chatId"), *_OTHER_PARTY
)  # fmt: skip
AUTHOR: Final[tuple[Place, ...]] = (
    (TOP, "author"), (MESSAGE, "author"), (DATA, "author"), (PAYLOAD, "author"), (MESSAGE_KEY, "participant"),
    (DATA_KEY, "participant"), (PAYLOAD_KEY, "participant"), (MESSAGE, "participant"), (DATA, "participant"),
)  # fmt: skip
FROM_ME: Final[tuple[Place, ...]] = (
    (TOP, "fromMe"), (MESSAGE, "fromMe"), (MESSAGE_KEY, "fromMe"), (DATA, "fromMe"), (DATA_KEY, "fromMe"),
    (PAYLOAD, "fromMe"), (PAYLOAD_KEY, "fromMe"),
)  # fmt: skip
MESSAGE_ID: Final[tuple[Place, ...]] = (
    (MESSAGE, "id"), (MESSAGE_KEY, "id"), (TOP, "messageId"), (TOP, "message_id"), (PAYLOAD, "id"), (PAYLOAD_KEY, "id"),
    (TOP, "id"), (DATA, "id"), (DATA_KEY, "id"), (DATA, "messageId"), (ACK, "id"), (ACK, "messageId"),
)  # fmt: skip
TIME: Final[tuple[Place, ...]] = (
    (MESSAGE, "timestamp"), (TOP, "timestamp"), (PAYLOAD, "t"), (TOP, "t"), (MESSAGE, "messageTimestamp"),
    (DATA, "messageTimestamp"), (DATA, "timestamp"),
)  # fmt: skip
TYPE: Final[tuple[Place, ...]] = ((PAYLOAD, "type"), (MESSAGE, "type"), (DATA, "type"), (TOP, "type"))
TEXT: Final[tuple[Place, ...]] = (
    (TOP, "text"), (TOP, "body"), (MESSAGE, "text"), (MESSAGE, "body"), (MESSAGE, "conversation"), (PAYLOAD, "body"),
    (DATA, "text"), (DATA, "body"), (DATA, "conversation"),
)  # fmt: skip
CAPTION: Final[tuple[Place, ...]] = ((TOP, "caption"), (MESSAGE, "caption"), (PAYLOAD, "caption"), (DATA, "caption"))
SENDER_NAME: Final[tuple[Place, ...]] = (
    (PAYLOAD, "notifyName"), (MESSAGE, "notifyName"), (TOP, "notifyName"), (MESSAGE, "pushName"), (DATA, "pushName"),
    (TOP, "pushName"),
)  # fmt: skip
STATE: Final[tuple[Place, ...]] = (
    (CONNECTION, "status"), (CONNECTION, "state"), (TOP, "status"), (TOP, "state"), (PAYLOAD, "status"),
    (PAYLOAD, "state"), (DATA, "status"), (DATA, "state"), (TOP, "connection"),
)  # fmt: skip
ACK_STATUS: Final[tuple[Place, ...]] = (
    (TOP, "status"), (TOP, "ack"), (ACK, "status"), (ACK, "ack"), (PAYLOAD, "ack"), (PAYLOAD, "status"),
    (DATA, "status"), (DATA, "ack"), (MESSAGE, "status"), (MESSAGE, "ack"),
)  # fmt: skip

_GROUP: Final = "@g.us"


def parts(body: dict[str, Any]) -> Parts:
    """Pick the objects of a body that hold fields, once. Written out: it is most of what noise costs."""
    message = found if isinstance(found := body.get("message"), dict) else values.NOTHING
    data = found if isinstance(found := body.get("data"), dict) else values.NOTHING
    raw = found if isinstance(found := body.get("raw"), dict) else values.NOTHING
    payload = (found if isinstance(found := raw.get("payload"), dict) else values.NOTHING) or body
    return (
        body,
        message,
        data,
        payload,
        found if isinstance(found := message.get("key"), dict) else values.NOTHING,
        found if isinstance(found := data.get("key"), dict) else values.NOTHING,
        found if isinstance(found := payload.get("key"), dict) else values.NOTHING,
        found if isinstance(found := body.get("session"), dict) else values.NOTHING,
        found if isinstance(found := body.get("connection"), dict) else values.NOTHING,
        found if isinstance(found := body.get("ack"), dict) else values.NOTHING,
        found if isinstance(found := body.get("metadata"), dict) else values.NOTHING,
        found if isinstance(found := data.get("session"), dict) else values.NOTHING,
    )


def first(of: Parts, places: tuple[Place, ...], read: Callable[[Any], Found | None]) -> Found | None:
    """The first place whose value can be read."""
    for part, name in places:
        holder = of[part]
        if holder and (value := holder.get(name)) is not None and (found := read(value)) is not None:
            return found
    return None


def each(of: Parts, places: tuple[Place, ...], read: Callable[[Any], Found | None]) -> Iterator[Found]:
    """What can be read at the places, in their order."""
    for part, name in places:
        holder = of[part]
        if holder and (value := holder.get(name)) is not None and (found := read(value)) is not None:
            yield found


def event_name(of: Parts) -> str:
    """The event's name in lower case; empty where there is none."""
    body = of[TOP]
    named = body.get("event")
    if isinstance(named, dict):
        named = ".".join(part for part in (named.get("type"), named.get("event")) if isinstance(part, str))
    return values.word(named) or values.word(body.get("object")) or ""


def engine_name(of: Parts) -> str:
    """The engine's own name of the event in lower case; empty where there is none."""
    return values.word(of[PAYLOAD].get("event")) or ""


def channel(of: Parts) -> str | None:
    """The channel as it was spelled."""
    return first(of, CHANNEL, values.channel)


def message_id(of: Parts) -> MessageId | None:
    """The id of the message that the body is about."""
    return first(of, MESSAGE_ID, identity.message_id)


def time(of: Parts) -> datetime | None:
    """The event's own time; None where none is given that can be meant."""
    return first(of, TIME, values.time)


def from_me(of: Parts, message: MessageId | None) -> bool | None:
    """Whether the channel's own number sent it; None where nothing says so."""
    found = first(of, FROM_ME, values.flag)
    return found if found is not None or message is None else message.from_me


def sender(of: Parts, *, is_own: bool) -> str | None:
    """The contact id under `from`, as spelled; a key's `remoteJid` is the sender of what the channel received."""
    return first(of, FROM if is_own else _SENDER, values.contact_id)


def addressee(of: Parts, *, is_own: bool) -> str | None:
    """The contact id under `to`, as spelled; a key's `remoteJid` is the addressee of what the channel sent."""
    return first(of, _ADDRESSEE if is_own else TO, values.contact_id)


def chat(of: Parts, message: MessageId | None, party: str | None) -> str | None:
    """The conversation, as spelled: the group where one is named, else `party`, who wrote or was written to.

    Never `from` of an own message: that is the channel's own number.
    """
    in_id = None if message is None or message.chat is None else values.contact_id(message.chat)
    for told in (party, in_id):
        if told is not None and told.endswith(_GROUP):
            return told
    if party is not None and in_id is not None:  # two say that it is no group
        return party
    stated = first(of, CHAT, values.contact_id)
    return stated if stated is not None and stated.endswith(_GROUP) else party or stated or in_id


def author(of: Parts, message: MessageId | None) -> str | None:
    """Who spoke in a group, as spelled."""
    found = first(of, AUTHOR, values.contact_id)
    if found is None and message is not None and message.participant is not None:
        return values.contact_id(message.participant)
    return found


def sender_name(of: Parts) -> str | None:
    """The name that the sender gave to himself."""
    return first(of, SENDER_NAME, values.name) or values.name(values.object_in(of[PAYLOAD], "sender").get("pushname"))
