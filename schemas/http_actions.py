"""HTTP actions: the command, what is posted to a target, what it may answer, and what became of the command."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from schemas.events import SCHEMA_VERSION, Action, Event


class HttpCommand(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One event to be posted to a target: the value of `command.http`, keyed by the target's id.

    `command_id` is the UUIDv5 of event and action. `tenant_id` and `channel` are what was decided. `depth` says how
    many answers of targets led to the event. Times are UTC.
    """

    command_id: str
    action: Action
    target: str
    event: Event
    created_at: datetime
    tenant_id: int | None = None
    channel: str | None = None
    conversation_id: str | None = None
    depth: int = 0
    rule_id: str | None = None
    rule_version: int | None = None
    expires_at: datetime | None = None
    schema_version: int = SCHEMA_VERSION


class Posted(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """What of an event is posted."""

    event_id: str
    event_type: str
    source_system: str
    trace_id: str
    occurred_at: datetime
    received_at: datetime
    tenant_id: int | None = None
    channel: str | None = None
    contact: str | None = None
    conversation_id: str | None = None
    external_id: str | None = None
    correlation_id: str | None = None
    payload: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


class Post(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """The body of the request, as Standard Webhooks advise: `type` is the event's, `timestamp` when the hub got it.

    `action` is that of the rule `rule_id`, `depth` how many answers of targets led to the event.
    """

    type: str
    timestamp: datetime
    action: Action
    data: Posted
    depth: int = 0
    rule_id: str | None = None


class ReplyText(msgspec.Struct, frozen=True):
    """One message to be sent into the event's conversation."""

    text: str


class TargetAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a target may answer; an empty body says nothing. With `handoff`, people take the conversation over."""

    replies: tuple[ReplyText, ...] = ()
    handoff: bool = False


class HttpStatus(StrEnum):
    """Where a command stands."""

    WAITING = "waiting"
    """A try did not help; another one follows."""
    ANSWERED = "answered"
    """The target took it, and what it answered is on its way."""
    DROPPED = "dropped"
    """It was not posted, or its answer was not used; `reason` says why."""
    FAILED = "failed"
    """No try helped, or none could; it lies among the dead letters."""


class HttpFact(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One fact about a command: the value of `http.status`, keyed by the target's id.

    `attempt` counts from 1; 0 where nothing was posted. `reason` is a short machine word, `message` says it to people.
    `replies` counts the messages that follow. Times are UTC.
    """

    command_id: str
    event_id: str
    trace_id: str
    action: Action
    target: str
    status: HttpStatus
    at: datetime
    created_at: datetime
    attempt: int = 0
    tenant_id: int | None = None
    channel: str | None = None
    conversation_id: str | None = None
    http_status: int | None = None
    reason: str | None = None
    message: str | None = None
    replies: int = 0
    handoff: bool = False
    seconds: float | None = None
    schema_version: int = SCHEMA_VERSION
