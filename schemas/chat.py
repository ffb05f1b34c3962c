"""Chat: a message that somebody writes into a conversation, as an event of any producer and of the hub itself."""

from datetime import datetime
from enum import StrEnum

import msgspec


class AuthorKind(StrEnum):
    """What wrote a message."""

    HUMAN = "human"
    AI = "ai"
    RULE = "rule"


class Authorship(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Who wrote a message into a conversation, and in answer to which event (its event_id, and when it came in)."""

    author_kind: AuthorKind
    author: str | None = None
    in_reply_to: str | None = None
    asked_at: datetime | None = None


class Reply(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """The payload of a `chat.outbound.message`; `metadata.author_kind` of the event says what wrote it.

    `to` is the recipient exactly as the network spelled it last. `conversation_id` is of the channel that sends it;
    without one, it is that of the channel with the recipient. `in_reply_to` is the event_id of what it answers.
    """

    to: str
    text: str
    conversation_id: str | None = None
    author: str | None = None
    in_reply_to: str | None = None
