"""Where a field of a webhook may be found: the table, and nothing else that searches.

Each row lists places in the order in which they are asked; the first usable value wins. There is no recursive search:
one that looked for "anything like a phone" once found the hub's own number.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from streams import identity, timestamps
from streams.identity import MessageId

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

NOTHING: Final[dict[str, Any]] = {}
_GROUP: Final = "@g.us"
_LONGEST_CHANNEL: Final = 100
_LONGEST_NAME: Final = 200
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


def parts(body: dict[str, Any]) -> Parts:
    """Pick the objects of a body that hold fields, once. Written out: it is most of what noise costs."""
    message = found if isinstance(found := body.get("message"), dict) else NOTHING
    data = found if isinstance(found := body.get("data"), dict) else NOTHING
    raw = found if isinstance(found := body.get("raw"), dict) else NOTHING
    payload = (found if isinstance(found := raw.get("payload"), dict) else NOTHING) or body
    return (
        body,
        message,
        data,
        payload,
        found if isinstance(found := message.get("key"), dict) else NOTHING,
        found if isinstance(found := data.get("key"), dict) else NOTHING,
        found if isinstance(found := payload.get("key"), dict) else NOTHING,
        found if isinstance(found := body.get("session"), dict) else NOTHING,
        found if isinstance(found := body.get("connection"), dict) else NOTHING,
        found if isinstance(found := body.get("ack"), dict) else NOTHING,
        found if isinstance(found := body.get("metadata"), dict) else NOTHING,
        found if isinstance(found := data.get("session"), dict) else NOTHING,
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
        if (value := of[part].get(name)) is not None and (found := read(value)) is not None:
            yield found


def event_name(of: Parts) -> str:
    """The event's name in lower case; empty where there is none."""
    body = of[TOP]
    named = body.get("event")
    if isinstance(named, dict):
        named = ".".join(part for part in (named.get("type"), named.get("event")) if isinstance(part, str))
    return word(named) or word(body.get("object")) or ""


def engine_name(of: Parts) -> str:
    """The engine's own name of the event in lower case; empty where there is none."""
    return word(of[PAYLOAD].get("event")) or ""


def channel(of: Parts) -> str | None:
    """The channel as it was spelled."""
    return first(of, CHANNEL, _channel)


def message_id(of: Parts) -> MessageId | None:
    """The id of the message that the body is about."""
    return first(of, MESSAGE_ID, identity.message_id)


def time(of: Parts) -> datetime | None:
    """The event's own time; None where none is given that can be meant."""
    return first(of, TIME, _time)


def from_me(of: Parts, message: MessageId | None) -> bool | None:
    """Whether the channel's own number sent it; None where nothing says so."""
    found = first(of, FROM_ME, _flag)
    return found if found is not None or message is None else message.from_me


def sender(of: Parts, *, is_own: bool) -> str | None:
    """The contact id under `from`, as spelled; a key's `remoteJid` is the sender of what the channel received."""
    return first(of, FROM if is_own else _SENDER, contact_id)


def addressee(of: Parts, *, is_own: bool) -> str | None:
    """The contact id under `to`, as spelled; a key's `remoteJid` is the addressee of what the channel sent."""
    return first(of, _ADDRESSEE if is_own else TO, contact_id)


def chat(of: Parts, message: MessageId | None, party: str | None) -> str | None:
    """The conversation, as spelled: the group where one is named, else `party`, who wrote or was written to.

    Never `from` of an own message: that is the channel's own number.
    """
    if party is not None and party.endswith(_GROUP):
        return party
    stated = first(of, CHAT, contact_id)
    in_id = None if message is None or message.chat is None else contact_id(message.chat)
    for candidate in (stated, in_id):
        if candidate is not None and candidate.endswith(_GROUP):
            return candidate
    return party or stated or in_id


def author(of: Parts, message: MessageId | None) -> str | None:
    """Who spoke in a group, as spelled."""
    found = first(of, AUTHOR, contact_id)
    if found is None and message is not None and message.participant is not None:
        return contact_id(message.participant)
    return found


def sender_name(of: Parts) -> str | None:
    """The name that the sender gave to himself."""
    return first(of, SENDER_NAME, name) or name(object_in(of[PAYLOAD], "sender").get("pushname"))


def contact_id(value: Any) -> str | None:
    """A contact id as it is spelled: text, a number, or an object with `_serialized`; None where it names no one."""
    if isinstance(value, dict):
        value = value.get("_serialized") or value.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    try:
        return identity.contact(value).id
    except ValueError:
        return None


def name(value: Any) -> str | None:
    """A short text on one line; None where there is none."""
    if not isinstance(value, str):
        return None
    return " ".join(value[: 2 * _LONGEST_NAME].split())[:_LONGEST_NAME] or None


def text(value: Any) -> str | None:
    """A text that says something; None for anything else."""
    return value if isinstance(value, str) and value and not value.isspace() else None


def word(value: Any) -> str | None:
    """A word of a vocabulary, case-folded."""
    return _folded(value) if isinstance(value, str) and len(value) <= _LONGEST_NAME and value else None


@lru_cache(maxsize=1024)
def _folded(value: str) -> str:
    return value.strip().casefold()


def object_in(holder: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under a key; an empty one where there is none."""
    value = holder.get(key)
    return value if isinstance(value, dict) else NOTHING


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; none where it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _channel(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _LONGEST_CHANNEL or not value.isprintable():
        return None
    canonical = identity.canonical_channel(value)
    return value.strip() if canonical and len(canonical) <= _LONGEST_CHANNEL else None


def _time(value: Any) -> datetime | None:
    try:
        return timestamps.parse(value)
    except ValueError:
        return None


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return _FLAGS.get(value.casefold()) if len(value) <= 5 else None
    return bool(value) if isinstance(value, int) and value in (0, 1) else None
