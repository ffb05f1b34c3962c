"""Traces, as the Admin API shows them: one event with all that came of it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from schemas.admin.dead_letters import HappeningShown
from schemas.admin.values import Body, Key, PlaceShown, Shown


class TraceFilter(Body):
    """Whose traces are wanted."""

    of: Annotated[Key, Field(description="Id of an event, a trace or a command, an idempotency key, or a phone.")]


class SightingShown(Shown):
    """One raw record in which the event was seen."""

    raw: PlaceShown
    kind: str
    received_at: datetime


class TracedEvent(Shown):
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


class TracedFact(Shown):
    """One fact about a command, and where it lies in `delivery.status`."""

    fact: str
    at: datetime
    recorded_at: datetime
    status: str
    attempt: int
    detail: dict[str, Any]
    record: PlaceShown


class TracedCommand(Shown):
    """A command that was made, with its facts."""

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
    facts: list[TracedFact]


class TracedMedia(Shown):
    """Where the file of a message stands."""

    state: str
    ref: str | None
    mimetype: str | None
    size: int | None
    reason: str | None


class TracedMessage(Shown):
    """A message of a conversation."""

    conversation_id: str | None
    direction: str
    status: str | None
    at: datetime | None
    text: str | None
    media: TracedMedia | None


class TracedLetter(Shown):
    """Something with the same trace that could not be processed."""

    stage: str
    error_class: str
    error: str
    source: PlaceShown
    at: datetime
    state: str
    history: list[HappeningShown]


class TracedPost(Shown):
    """A command that posts the event to a target, and what became of it."""

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


class TraceShown(Shown):
    """One event with all that came of it; `event` is null while only its deliveries, or a dead letter, are known."""

    trace_id: str
    event: TracedEvent | None
    sightings: list[SightingShown]
    commands: list[TracedCommand]
    messages: list[TracedMessage]
    dead_letters: list[TracedLetter]
    posts: list[TracedPost]


class Traces(Shown):
    """The traces found, the newest first."""

    items: list[TraceShown]
