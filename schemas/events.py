"""Events: what a producer sends, what the hub makes of it, and what it decided."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

import msgspec

SCHEMA_VERSION = 1


class EventIn(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event as a producer gives it: body of `POST /api/events` and value of `raw.event`."""

    source_system: str
    event_type: str
    external_id: str | int | None = None
    occurrence: str | int | None = None
    idempotency_key: str | None = None
    ordering_key: str | None = None
    tenant_id: int | str | None = None
    channel: str | None = None
    occurred_at: str | int | float | None = None
    payload: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    trace_id: str | None = None
    correlation_id: str | None = None
    expires_at: str | int | float | None = None


class Coordinates(msgspec.Struct, frozen=True, gc=False):
    """Where a record lies in Kafka."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` writes; None for anything else."""
        match = _COORDINATES.fullmatch(text)
        return cls(match[1], int(match[2]), int(match[3])) if match else None


_COORDINATES: Final = re.compile(r"([A-Za-z0-9._-]{1,249})/([0-9]{1,9})@([0-9]{1,18})")


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One fact, normalized: the value of `event.normalized`.

    `event_id` is the UUIDv5 of `idempotency_key`. `fingerprint` is the hash of what the event says (32 hex digits),
    by which a duplicate is told from a conflict. `revision` says how much is known of it (`streams.revisions`).
    `channel` is canonical (`streams.identity.canonical_channel`). Times are UTC.
    """

    event_id: str
    idempotency_key: str
    event_type: str
    source_system: str
    stream_key: str
    fingerprint: str
    trace_id: str
    occurred_at: datetime
    received_at: datetime
    raw: Coordinates
    tenant_id: int | None = None
    channel: str | None = None
    contact: str | None = None
    conversation_id: str | None = None
    correlation_id: str | None = None
    external_id: str | None = None
    expires_at: datetime | None = None
    revision: int = 1
    payload: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION


class Kind(StrEnum):
    """What the router found an event to be."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    UPDATED = "updated"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


class Action(StrEnum):
    """What a rule wants done with an event."""

    WHATSAPP = "whatsapp"
    CHAT = "chat"
    AI = "ai"
    HTTP = "http"
    NONE = "none"


NO_RULE = "no_rule"


class Decision(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """What was decided about an event, and by which version of the configuration.

    `action` is an `Action` or `no_rule`. `reason` says why an event was rejected or quarantined.
    """

    action: str
    rule_id: str | None = None
    rule_version: int | None = None
    template: str | None = None
    template_version: int | None = None
    tenant_id: int | None = None
    channel: str | None = None
    command_id: str | None = None
    reason: str | None = None


class AcceptedEvent(Event, kw_only=True, omit_defaults=True):
    """An event with what became of it: the value of `event.accepted`, the audit log.

    A duplicate or conflict carries no decision: the one of the first sighting stands. A duplicate of what waits in
    quarantine says so by carrying that decision.
    """

    kind: Kind
    decision: Decision | None = None
