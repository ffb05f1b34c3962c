"""Deliveries, as the Admin API shows them, and what is decided about them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.admin.pages import Listing
from schemas.admin.values import Body, Key, Moment, Shown, TenantId, Text

DeliveryStatus = Literal[
    "queued",
    "attempting",
    "retrying",
    "parked",
    "uncertain",
    "sent",
    "delivered",
    "read",
    "played",
    "failed",
    "expired",
    "suppressed",
    "cancelled",
]


class DeliveryFilter(Listing):
    """Which deliveries are wanted; those that were made last come first."""

    status: DeliveryStatus | None = None
    tenant: Annotated[TenantId | None, Field(strict=False)] = None
    channel: Annotated[Key | None, Field(description="In any spelling.")] = None
    to: Annotated[Key | None, Field(description="To whom: a phone or another id, in any spelling.")] = None
    type: Annotated[Key | None, Field(description="The type of its event.")] = None
    since: Annotated[Moment | None, Field(description="Made then or later.")] = None
    until: Annotated[Moment | None, Field(description="Made before.")] = None
    text: Annotated[Text | None, Field(description="Found in its text, whatever the case.")] = None


class DeliveryShown(Shown):
    """One delivery. `doubtful_since` is when its last attempt came into doubt."""

    command_id: str
    event_id: str
    event_type: str | None
    trace_id: str
    tenant_id: int
    channel: str
    recipient: str | None
    status: str
    attempts: int
    policy: str | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    doubtful_since: datetime | None


class FactShown(Shown):
    """One fact, and where it lies in `delivery.status`."""

    fact: str
    at: datetime
    status: str
    attempt: int
    by: str | None
    ack: str | None
    decision: str | None
    http_status: int | None
    reason: str | None
    message: str | None
    retry_at: datetime | None
    record: str


class WholeDelivery(DeliveryShown):
    """One delivery with its text, its facts in the order of the log, and what may be decided about it now."""

    text: str | None
    provider_message_id: str | None
    facts: list[FactShown]
    open_to: list[Literal["sent", "not_sent", "resend", "cancel"]]


class Settlement(Body):
    """What became of a message in doubt, by the word of a person."""

    outcome: Literal["sent", "not_sent"]
    why: Annotated[str, Field(max_length=500)] = ""


class Reason(Body):
    """Why, for those who ask later."""

    why: Annotated[str, Field(max_length=500)] = ""


class Decided(Shown):
    """The decision is on record, and carried out once the sender of the channel comes to it."""

    command_id: str
    decision: str
    by: str
    record: Key
