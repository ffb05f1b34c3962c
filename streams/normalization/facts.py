"""What a webhook says, as one fact: its type, its key, what it says, and what is kept of it."""

import hashlib
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas import event_types
from streams import identity, keys, revisions, timestamps
from streams.identity import MessageId
from streams.normalization import files
from streams.normalization.blobs import Blob
from streams.normalization.inbound import (
    Ack,
    Call,
    ChannelState,
    Content,
    Inbound,
    Message,
    Other,
    Reaction,
    Revoked,
    Technical,
)
from streams.normalization.raw import RawRecord

_VOLATILE: Final = frozenset({"event_id", "correlation_id", "timestamp", "clientReceivedTsMillis"})
"""Fields of an envelope that are new at every emission of one fact."""
_LONGEST_NAME: Final = 80
_SAID_AS: Final = {"ptt": "audio"}
"""The type of a voice note differs from one emission to the next."""


class Circumstances(msgspec.Struct):
    """What stands around a fact: the body, its own time where it has one, the raw record and its place in that."""

    body: dict[str, Any]
    occurred_at: datetime | None
    raw: RawRecord
    place: int = 0


class Fact(msgspec.Struct, kw_only=True):
    """`says` is what a repetition must say as well to be a duplicate and no conflict; `revision` how much that is."""

    event_type: str
    key: str
    says: Any
    payload: dict[str, Any]
    occurred_at: datetime | None
    contact: str | None = None
    external_id: str | None = None
    revision: int = revisions.COMPLETE
    blobs: tuple[Blob, ...] = ()


def of(said: Inbound, channel: str | None, around: Circumstances) -> Fact:
    """Make the fact of what was said on a canonical channel."""
    match said:
        case Message():
            return _message(said, channel, around)
        case Ack():
            return _ack(said, channel, around)
        case Reaction():
            return _reaction(said, channel, around)
        case Revoked():
            return _revoked(said, channel, around)
        case ChannelState():
            return _channel_state(said, channel, around)
        case Other():
            return _other(said, channel, around)
        case Call():
            return _other(Other(said.name, said.id, said.chat), channel, around)
        case Technical():
            raise TypeError("technical noise is no fact")


def _message(said: Message, channel: str | None, around: Circumstances) -> Fact:
    content = said.content
    says, contact = _says(content), _contact(said.chat)
    is_shell = said.is_shell
    media = None if is_shell or content.media is None else files.told(content.media, content.thumbnail, said.id)
    told_apart = None if said.id else [contact, says, *_told_apart_by(content)]
    key = _key(channel, keys.MESSAGE, said.id, told_apart, around)
    return Fact(
        event_type=event_types.OUTBOUND_MESSAGE if said.is_own else event_types.INBOUND_MESSAGE,
        key=key,
        says=says,
        payload=_payload(said, contact, media, around),
        occurred_at=around.occurred_at,
        contact=contact,
        external_id=_full(said.id),
        revision=revisions.SHELL if is_shell else files.revision(media),
        blobs=content.blobs,
    )


def _payload(said: Message, contact: str | None, media: dict[str, Any] | None, around: Circumstances) -> dict[str, Any]:
    """What is known of a message. Written out: it is much of what a message costs."""
    content = said.content
    told: dict[str, Any] = {
        "message_id": _full(said.id),
        "message_key": _stable(said.id),
        "chat": said.chat,
        "contact": contact,
        "from": said.sender,
        "to": said.addressee,
        "from_me": said.is_own,
        "sender_name": said.sender_name,
        "type": content.type,
        "text": content.text,
    }
    if None in told.values():
        told = {name: value for name, value in told.items() if value is not None}
    if said.author is not None:
        told["author"] = said.author
    if content.caption is not None:
        told["caption"] = content.caption
    if content.text_length is not None:
        told["text_length"] = content.text_length
    if media is not None:
        told["media"] = media
    if content.type == "location" and (place := files.with_thumbnail(content.location, content.thumbnail)):
        told["location"] = place
    if content.vcard is not None:
        told["vcard"] = content.vcard
    if content.quoted is not None:
        told["quoted"] = content.quoted
    if said.is_shell:
        told["shell"] = True
    if around.occurred_at is not None:
        told["timestamp"] = timestamps.milliseconds(around.occurred_at)
    return told


def _ack(said: Ack, channel: str | None, around: Circumstances) -> Fact:
    return Fact(
        event_type=event_types.DELIVERY_ACK,
        key=keys.for_gateway(channel, keys.ACK, said.id.key, said.status),
        says=said.status,
        payload={"message_id": said.id.full, "message_key": said.id.key, "status": said.status},
        occurred_at=around.occurred_at,
        contact=_contact(said.chat),
        external_id=said.id.full,
    )


def _reaction(said: Reaction, channel: str | None, around: Circumstances) -> Fact:
    says = [_stable(said.target), said.text]
    return Fact(
        event_type=event_types.MESSAGE_REACTION,
        key=_key(channel, keys.REACTION, said.id, [said.chat, said.author, says], around),
        says=says,
        payload=_present(
            message_id=_full(said.id),
            message_key=_stable(said.id),
            target_id=_full(said.target),
            target_key=_stable(said.target),
            reaction=said.text,
            from_me=said.is_own,
            chat=said.chat,
            author=said.author,
        ),
        occurred_at=around.occurred_at,
        contact=_contact(said.chat),
        external_id=_full(said.id),
    )


def _revoked(said: Revoked, channel: str | None, around: Circumstances) -> Fact:
    return Fact(
        event_type=event_types.MESSAGE_REVOKED,
        key=_key(channel, keys.REVOKED, said.id, [said.chat], around),
        says=None,
        payload=_present(message_id=_full(said.id), message_key=_stable(said.id), chat=said.chat),
        occurred_at=around.occurred_at,
        contact=_contact(said.chat),
        external_id=_full(said.id),
    )


def _channel_state(said: ChannelState, channel: str | None, around: Circumstances) -> Fact:
    return Fact(
        event_type=event_types.CONNECTION_UPDATE,
        key=keys.for_gateway(channel, keys.CONNECTION, said.state, _time(around) or _raw(around)),
        says=said.state,
        payload={"state": said.state, "word": said.word},
        occurred_at=around.occurred_at,
    )


def _other(said: Other, channel: str | None, around: Circumstances) -> Fact:
    name = _segments(said.name)
    named = said.id.key if said.id else _time(around) or _raw(around)
    return Fact(
        event_type=event_types.UNKNOWN + name,
        key=keys.for_gateway(channel, keys.UNKNOWN + name, named),
        says=_without_volatile(around.body),
        payload=_present(name=said.name, message_key=_stable(said.id), chat=said.chat, detail=said.detail),
        occurred_at=around.occurred_at,
        contact=_contact(said.chat),
        external_id=_full(said.id),
    )


def _key(channel: str | None, kind: str, named: MessageId | None, content: Any, around: Circumstances) -> str:
    """The id names the fact; without one its content and time do; without a time the raw record does."""
    if named is not None:
        return keys.for_gateway(channel, kind, named.key)
    if (time := _time(around)) is not None:
        return keys.for_gateway(channel, kind, f"content:{keys.fingerprint([content, time])}")
    return keys.for_gateway(channel, kind, _raw(around))


def _says(content: Content) -> list[Any]:
    """What all emissions of one message agree on: not where its file lies, nor what that is called."""
    place = content.location and [content.location["lat"], content.location["lng"]]
    return [_SAID_AS.get(content.type, content.type), content.text, content.caption, place, content.vcard]


def _told_apart_by(content: Content) -> list[Any]:
    """What tells two messages without an id apart, where they say the same: their files."""
    media_id = content.media and content.media.get("media_id")
    return [media_id, [blob.ref for blob in content.blobs] or _hash(content.encoded)]


def _without_volatile(body: dict[str, Any]) -> Any:
    raw = body.get("raw")
    payload = raw.get("payload") if isinstance(raw, dict) else None
    kept = {name: value for name, value in body.items() if name not in _VOLATILE and name != "raw"}
    if isinstance(payload, dict):
        kept["raw"] = {name: value for name, value in payload.items() if name not in _VOLATILE}
    return kept


def _full(named: MessageId | None) -> str | None:
    return None if named is None else named.full


def _stable(named: MessageId | None) -> str | None:
    return None if named is None else named.key


def _time(around: Circumstances) -> str | None:
    return None if around.occurred_at is None else str(timestamps.milliseconds(around.occurred_at))


def _raw(around: Circumstances) -> str:
    raw = f"raw:{around.raw.raw_id}"
    return f"{raw}#{around.place}" if around.place else raw


def _hash(text: str | None) -> str | None:
    return None if text is None else hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _contact(spelled: str | None) -> str | None:
    return None if spelled is None else identity.match_key(spelled)


def _segments(name: str) -> str:
    """A name as segments of an event type: letters, digits, `_` and `-`, joined by dots."""
    clean = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name[:_LONGEST_NAME])
    return ".".join(filter(None, clean.split("."))) or "unnamed"


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
