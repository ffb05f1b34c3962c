"""Messages that somebody writes into a conversation: the event that says so, and what its command takes from it."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from schemas import event_types
from schemas.chat import AuthorKind, Authorship, Reply
from schemas.events import Event, EventIn
from streams import identity

SOURCE: Final = "posto"
"""Source system of the messages that the hub itself takes, from people and from what answers for them."""

AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]

_OF_A_CONVERSATION: Final = frozenset({event_types.CHAT_MESSAGE, event_types.CHAT_HANDOFF})
LONGEST_AUTHOR: Final = 191
LONGEST_ID: Final = 36


def event_of(
    reply: Reply,
    author_kind: AuthorKind,
    *,
    external_id: str,
    tenant_id: int,
    channel: str,
    conversation_id: str,
    trace_id: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> EventIn:
    """The event of a message: sent once for an `external_id` of a conversation, in the conversation's order."""
    return EventIn(
        source_system=SOURCE,
        event_type=event_types.CHAT_MESSAGE,
        external_id=external_id,
        ordering_key=conversation_id,
        tenant_id=tenant_id,
        channel=channel,
        payload=msgspec.to_builtins(reply),
        metadata={"author_kind": author_kind, **(metadata or {})},
        trace_id=trace_id,
    )


def conversation_of(event_type: str, payload: dict[str, Any], channel: str | None, contact: str | None) -> str | None:
    """The conversation that an event belongs to: the one that a message names, where it is of the event's channel.

    Any other event belongs to the conversation of its channel and contact.
    """
    if event_type in _OF_A_CONVERSATION and channel and (named := _named(payload)) and _is_of(named, channel):
        return named
    return identity.conversation_id(channel, contact)


def joined(event: Event, channel: str) -> str | None:
    """The conversation that a message names; None where it names none, or the event is no message.

    ValueError where it is one of another channel than that which sends the message.
    """
    if event.event_type != event_types.CHAT_MESSAGE or (named := _named(event.payload)) is None:
        return None
    if not _is_of(named, channel):
        raise ValueError(f"payload.conversation_id: is no conversation of channel {channel}, which sends the message")
    return named


def authorship_of(event: Event) -> Authorship | None:
    """Who wrote a message, a person unless it says otherwise; None where the event is no message.

    ValueError names what is wrong.
    """
    if event.event_type != event_types.CHAT_MESSAGE:
        return None
    kind = event.metadata.get("author_kind", AuthorKind.HUMAN)
    if kind not in list(AuthorKind):
        raise ValueError(f"metadata.author_kind: must be one of {', '.join(AuthorKind)}")
    return Authorship(
        author_kind=AuthorKind(kind),
        author=_text(event.payload, "author", LONGEST_AUTHOR),
        in_reply_to=_text(event.payload, "in_reply_to", LONGEST_ID),
        asked_at=_moment(event.metadata, "asked_at"),
    )


def _named(payload: dict[str, Any]) -> str | None:
    value = payload.get("conversation_id")
    return value if isinstance(value, str) and value else None


def _is_of(conversation_id: str, channel: str) -> bool:
    parties = identity.parties_of(conversation_id)
    return parties is not None and parties[0] == channel


def _moment(metadata: dict[str, Any], name: str) -> datetime | None:
    value = metadata.get(name)
    try:
        return None if value is None else msgspec.convert(value, AwareDatetime)
    except msgspec.ValidationError:
        raise ValueError(f"metadata.{name}: must be a time such as 2026-01-10T12:00:00Z") from None


def _text(payload: dict[str, Any], name: str, longest: int) -> str | None:
    value = payload.get(name)
    if value is None or (isinstance(value, str) and len(value) <= longest):
        return value or None
    raise ValueError(f"payload.{name}: must be a text of at most {longest} characters")
