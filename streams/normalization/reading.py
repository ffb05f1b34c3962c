"""From the parts of a body to what it says, once a dialect has named its kind and read its content."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from streams.identity import MessageId, message_id
from streams.normalization import embedded, fields, noise, values
from streams.normalization.fields import Parts
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
from streams.normalization.vocabulary import CHANNEL_STATES, PRESENCE, QR_REQUIRED, ack_status

Said = tuple[Inbound, Parts]
"""One thing that a body says, with the parts in which the fields lie that all kinds share (channel, time)."""

MAX_REACTION: Final = 64
_TARGET: Final = ((fields.PAYLOAD, "msgId"), (fields.TOP, "msgId"))
_EMOJI: Final = ((fields.PAYLOAD, "reactionText"), (fields.TOP, "reactionText"))
_CALL: Final = ((fields.PAYLOAD, "id"), (fields.TOP, "id"), (fields.DATA, "id"))
_CALLER: Final = (
    (fields.PAYLOAD, "peerJid"), (fields.TOP, "peerJid"), (fields.PAYLOAD, "peer"), (fields.TOP, "peer"),
    (fields.PAYLOAD, "from"), (fields.TOP, "from"), (fields.DATA, "from"),
)  # fmt: skip
_REVOKED: Final = ((fields.PAYLOAD, "refId"), (fields.TOP, "refId"))


class Kind(StrEnum):
    """What an event's name says it is about."""

    MESSAGE = "message"
    OWN_MESSAGE = "own_message"
    ACK = "ack"
    CONNECTION = "connection"
    QR = "qr"
    REACTION = "reaction"
    REVOKED = "revoked"
    CALL = "call"


def read(kind: Kind | None, name: str, parts: Parts, content: Callable[[Parts], Content]) -> Inbound:
    """Read a body of a known kind; what lacks what its kind needs is kept as `Other` under its name."""
    match kind:
        case Kind.MESSAGE | Kind.OWN_MESSAGE:
            return message(parts, content(parts), is_own=kind is Kind.OWN_MESSAGE)
        case Kind.ACK:
            return _ack(name, parts)
        case Kind.CONNECTION:
            return _channel_state(name, parts)
        case Kind.QR:
            return ChannelState(QR_REQUIRED, name)
        case Kind.REACTION:
            return reaction(parts, fields.first(parts, _TARGET, message_id), fields.first(parts, _EMOJI, values.text))
        case Kind.REVOKED:
            return revoked(parts, fields.first(parts, _REVOKED, message_id) or fields.message_id(parts))
        case Kind.CALL:
            return Call(name, fields.first(parts, _CALL, message_id), fields.first(parts, _CALLER, values.contact_id))
        case None:
            return other(name, parts)


def message(parts: Parts, content: Content, *, is_own: bool = False) -> Message | Technical:
    """Read a message; `is_own` where the event's name already says that the channel sent it."""
    if content.type in noise.NOTICES:
        return Technical(content.type)
    named = fields.message_id(parts)
    said = fields.from_me(parts, named)
    is_own = is_own if said is None else said
    sender = fields.sender(parts, is_own=is_own)
    addressee = fields.addressee(parts, is_own=is_own)
    chat = fields.chat(parts, named, addressee if is_own else sender)
    if chat is not None and chat.endswith("@broadcast"):
        return Technical(noise.BROADCAST)
    author = fields.author(parts, named)
    if author is None and not is_own and sender != chat and chat is not None and chat.endswith("@g.us"):
        author = sender
    return Message(
        content=content,
        id=named,
        is_own=is_own,
        chat=chat,
        sender=sender,
        addressee=addressee,
        author=author,
        sender_name=fields.sender_name(parts),
    )


def reaction(parts: Parts, target: MessageId | None, text: str | None) -> Reaction:
    """Read a reaction to `target`."""
    named = fields.message_id(parts)
    is_own = bool(fields.from_me(parts, named))
    return Reaction(
        id=named,
        target=target,
        text=(text or "")[:MAX_REACTION],
        is_own=is_own,
        chat=_chat(parts, named, is_own=is_own),
        author=fields.author(parts, named),
    )


def revoked(parts: Parts, target: MessageId | None) -> Revoked:
    """Read that `target` was deleted."""
    return Revoked(target, _chat(parts, target, is_own=bool(fields.from_me(parts, target))))


def ack(name: str, named: MessageId | None, status: Any, chat: Any) -> Inbound:
    """Read what became of a message, where id, status and addressee are at hand."""
    known = ack_status(status)
    if named is None or known is None:
        return Other(name, named, values.contact_id(chat), _detail(status))
    return Ack(named, known, values.contact_id(chat))


def other(name: str, parts: Parts, *, detail: str | None = None) -> Other:
    """Keep what has no shape of its own, with the message and the chat that it names."""
    named = fields.message_id(parts)
    return Other(name, named, _chat(parts, named, is_own=bool(fields.from_me(parts, named))), _detail(detail))


def _ack(name: str, parts: Parts) -> Inbound:
    named = fields.message_id(parts)
    status = fields.first(parts, fields.ACK_STATUS, ack_status)
    if named is None or status is None:
        return other(name, parts, detail=fields.first(parts, fields.ACK_STATUS, values.word))
    chat = named.chat and values.contact_id(named.chat)
    return Ack(named, status, chat or fields.addressee(parts, is_own=True))


def _channel_state(name: str, parts: Parts) -> Inbound:
    for word in fields.each(parts, fields.STATE, values.word):
        if word in PRESENCE:
            return Technical("presence")
        if word in CHANNEL_STATES:
            return ChannelState(CHANNEL_STATES[word], word)
    return Other(name, detail=_detail(fields.first(parts, fields.STATE, values.word)))


def _detail(value: Any) -> str | None:
    told = values.word(value)
    return None if told is None or embedded.is_bytes(told, in_media=True) else told


def _chat(parts: Parts, named: MessageId | None, *, is_own: bool) -> str | None:
    party = fields.addressee if is_own else fields.sender
    return fields.chat(parts, named, party(parts, is_own=is_own))
