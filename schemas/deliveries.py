"""Deliveries: every fact about a command, the status that follows from them, and the evidence from outside."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from schemas.commands import Command
from schemas.events import SCHEMA_VERSION, Coordinates


class Status(StrEnum):
    """The state of a command: a pure function of its set of facts (`streams.deliveries.fold`)."""

    QUEUED = "queued"
    ATTEMPTING = "attempting"
    RETRYING = "retrying"
    PARKED = "parked"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


class FactKind(StrEnum):
    """What can be said about a command; facts are only ever added."""

    ACCEPTED = "accepted"
    """The sender took the command into its log; carries the command."""
    ATTEMPT_STARTED = "attempt_started"
    """A request is about to leave; acknowledged by Kafka before it does."""
    ANSWERED = "answered"
    """The gateway took the message."""
    NOT_SENT = "not_sent"
    """The attempt surely sent nothing; `retry_at` says when the next one is due: without it, there will be none."""
    REFUSED = "refused"
    """The gateway refused the message for good."""
    IN_DOUBT = "in_doubt"
    """The request left and its outcome is not known."""
    ECHOED = "echoed"
    """The gateway showed the message as an own one: this attempt sent it; names the message by its provider id."""
    ACKED = "acked"
    """WhatsApp reported a delivery state, bound by provider id."""
    PARKED = "parked"
    """Its channel or the gateway is down: it waits until that is over. `attempt` is the last one before."""
    DECIDED = "decided"
    """An operator settled it; `decision` says how, `by` who, `message` why."""
    EXPIRED = "expired"
    """Its time ran out before it could be sent; an `attempt` that had started sent nothing."""
    SUPPRESSED = "suppressed"
    """It was not to be sent: a replayed record, or a precondition that no longer holds."""


class AckStatus(StrEnum):
    """A delivery state that WhatsApp reports."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"


class OperatorDecision(StrEnum):
    """What a person may decide about a command."""

    SENT = "sent"
    """The message was sent."""
    NOT_SENT = "not_sent"
    """The message was not sent, and will not be."""
    RESEND = "resend"
    """Send it once more, now."""
    CANCEL = "cancel"
    """Never send it."""


class DeliveryFact(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One fact about a command, with the `status` after it: the value of `delivery.status`, keyed by channel.

    `attempt` counts from 1; 0 where the fact is about no attempt. `command` is there in `accepted` alone. `reason` is
    a short machine word (`http_429`, `channel_changed`, `owner_lost`, `replay`, ...), `message` what the gateway said,
    without secrets. `evidence` is where the record lies that an `acked`, an `echoed`, a late answer or an operator's
    `decided` comes from. Times are UTC.
    """

    command_id: str
    event_id: str
    trace_id: str
    tenant_id: int
    channel: str
    fact: FactKind
    at: datetime
    status: Status
    attempt: int = 0
    command: Command | None = None
    provider_message_id: str | None = None
    ack: AckStatus | None = None
    decision: OperatorDecision | None = None
    by: str | None = None
    retry_at: datetime | None = None
    http_status: int | None = None
    reason: str | None = None
    message: str | None = None
    request_id: str | None = None
    evidence: Coordinates | None = None
    schema_version: int = SCHEMA_VERSION


class EvidenceKind(StrEnum):
    """Where a piece of evidence comes from."""

    ACK = "ack"
    ECHO = "echo"
    CHANNEL_STATE = "channel_state"
    INBOUND = "inbound"
    """Somebody wrote to the channel: it is connected."""
    LATE_ANSWER = "late_answer"
    DECISION = "decision"
    HANDOFF = "handoff"
    """An AI gave a conversation to people: it is muted there."""


class Evidence(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Something from outside that may settle a command: the value of `delivery.evidence`, keyed by channel.

    `message_key` is the stable part of the provider's message id, in upper case (`streams.identity.message_key`).
    `contact` is a match key. `at` is the event's own time; `received_at` is when the hub first saw it. UTC.
    """

    kind: EvidenceKind
    event_id: str
    trace_id: str
    at: datetime
    received_at: datetime
    channel: str | None = None
    message_key: str | None = None
    ack: AckStatus | None = None
    contact: str | None = None
    text: str | None = None
    channel_state: str | None = None
    command_id: str | None = None
    attempt: int | None = None
    detail: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION
