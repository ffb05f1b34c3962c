"""Mutes: conversations in which people have the word, so that no AI answers."""

from datetime import datetime
from enum import StrEnum

import msgspec


class MuteCause(StrEnum):
    """Why the AI is to be quiet."""

    HUMAN = "human"
    """A person wrote: by the API, or on the phone."""
    HANDOFF = "handoff"
    """The AI itself gave the conversation to people."""


class Mute(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """From when and until when a conversation is muted: the value of `conversation.mute`, keyed by conversation.

    A `handoff` names the event that was answered with it: what was said in that answer still goes out. Times are UTC.
    """

    conversation_id: str
    cause: MuteCause
    since: datetime
    until: datetime
    event_id: str | None = None
