"""What a trace consists of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from infra.dead_letters.found import Happening
from schemas.events import Coordinates


class Sighting(msgspec.Struct, frozen=True):
    """One raw record in which the event was seen."""

    raw: Coordinates
    kind: str
    received_at: datetime


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The event and what was decided."""

    event_id: str
    idempotency_key: str
    event_type: str
    source_system: str
    kind: str
    status: str
    action: str
    tenant_id: int | None
    channel: str | None
    contact: str | None
    conversation_id: str | None
    correlation_id: str | None
    reason: str | None
    rule_id: str | None
    rule_version: int | None
    template: str | None
    template_version: int | None
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime | None
    duplicates: int


class Fact(msgspec.Struct, frozen=True):
    """One fact about the command, where it lies in `delivery.status`.

    `recorded_at` is when the hub wrote it down; `at` is its own time, for an ack that of the network, in whole seconds.
    """

    fact: str
    at: datetime
    recorded_at: datetime
    status: str
    attempt: int
    detail: dict[str, Any]
    record: Coordinates


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The command that was made, as far as its facts tell."""

    command_id: str
    status: str
    channel: str
    recipient: str | None
    text: str | None
    attempts: int
    provider_message_id: str | None
    last_error: str | None
    created_at: datetime
    expires_at: datetime | None
    facts: Sequence[Fact]


class PostRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The command that posts the event to a target, and what became of it."""

    command_id: str
    action: str
    target: str
    status: str
    attempts: int
    http_status: int | None
    reason: str | None
    message: str | None
    replies: int
    handoff: bool
    seconds: float | None
    told_at: datetime


class MediaRecord(msgspec.Struct, frozen=True):
    """Where the file of a message stands; `ref` names it in the object store."""

    state: str
    ref: str | None = None
    mimetype: str | None = None
    size: int | None = None
    reason: str | None = None


class MessageRecord(msgspec.Struct, frozen=True):
    """A message of a conversation."""

    conversation_id: str | None
    direction: str
    status: str | None
    at: datetime | None
    text: str | None
    media: MediaRecord | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """Something with the same trace that could not be processed; why it failed last, and what became of it."""

    stage: str
    error_class: str
    error: str
    source: Coordinates
    at: datetime
    state: str = "open"
    history: Sequence[Happening] = ()


class Trace(msgspec.Struct, frozen=True):
    """One event with all that came of it. `event` is None while only its deliveries, or a dead letter, are known."""

    trace_id: str
    event: EventRecord | None
    sightings: Sequence[Sighting]
    commands: Sequence[CommandRecord]
    messages: Sequence[MessageRecord]
    dead_letters: Sequence[DeadLetter]
    posts: Sequence[PostRecord] = ()
