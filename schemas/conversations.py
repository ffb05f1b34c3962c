"""Conversations: what people decide about them, and how far they have read."""

from datetime import datetime
from enum import StrEnum

import msgspec

from schemas.events import SCHEMA_VERSION


class ConversationStatus(StrEnum):
    """Whether somebody has still to do something about a conversation."""

    OPEN = "open"
    CLOSED = "closed"


class ConversationChangeKind(StrEnum):
    """What can be said of a conversation."""

    ASSIGNED = "assigned"
    """Somebody takes care of it (`assignee`), or nobody any more."""
    CLOSED = "closed"
    """Nothing is left to do: so far as messages had come in `until` then. One that comes in later opens it again."""
    REOPENED = "reopened"
    """There is something to do again."""
    READ = "read"
    """It was read so far as messages had come in `until` then; those that come in later are unread. Without `until`,
    all of it is unread."""


class ConversationChange(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One thing that a person said of a conversation: the value of `conversation.change`, keyed by the conversation.

    Of two of a kind, the later one counts (`at`, then `change_id`): closing and reopening are of one kind. `until` is a
    time of the hub's own, the `received_at` of the last message that was seen. Times are UTC.
    """

    change_id: str
    conversation_id: str
    tenant_id: int | None
    what: ConversationChangeKind
    at: datetime
    by: str
    trace_id: str
    assignee: str | None = None
    until: datetime | None = None
    reason: str | None = None
    schema_version: int = SCHEMA_VERSION
