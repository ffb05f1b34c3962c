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
