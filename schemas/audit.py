"""The audit: what people did to the hub and what is in it, by which of them, and why."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from schemas.events import SCHEMA_VERSION


class AuditAction(StrEnum):
    """What was done."""

    DEAD_LETTER_REDRIVEN = "dead_letter.redriven"
    """The record of a dead letter was written again; `detail` names the round, and the record that was written."""
    DEAD_LETTER_DISCARDED = "dead_letter.discarded"
    """A dead letter needs nobody's care any more; `detail` names the round in which it was."""
    TENANT_ADDED = "tenant.added"
    TENANT_CHANGED = "tenant.changed"
    """`detail` has what it was and what it is, `from` and `to`; so has that of a channel that was changed."""
    CHANNEL_REGISTERED = "channel.registered"
    """A tenant got a channel of its own; `detail` names both."""
    CHANNEL_CHANGED = "channel.changed"
    CHANNEL_MOVED = "channel.moved"
    """A channel was handed over from one tenant to another."""
    CHANNEL_STARTED = "channel.started"
    """The gateway was told to make a channel's session, or to start it again."""
    WEBHOOK_SET = "webhook.set"
    """The gateway was told where webhooks go: of a channel, or of all that have no address of their own."""


class AuditChange(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One thing that was done: the value of `audit.change`, keyed by its subject. `reason` says why. `at` is UTC.

    `action` is an `AuditAction`, or one that came later. The subject of what is done to a
    dead letter is its name (`streams.letters.LetterId`).
    """

    action: str
    subject: str
    actor: str
    at: datetime
    reason: str | None = None
    trace_id: str | None = None
    detail: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION
