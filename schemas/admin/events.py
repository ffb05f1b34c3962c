"""Events, as the Admin API shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.admin.pages import Listing
from schemas.admin.values import Key, Moment, Shown, TenantId, Text

EventStatus = Literal["processing", "processed", "failed", "no_rule", "conflict", "quarantined"]


class EventFilter(Listing):
    """Which events are wanted; those that came last come first."""

    status: EventStatus | None = None
    tenant: Annotated[TenantId | None, Field(strict=False)] = None
    channel: Annotated[Key | None, Field(description="In any spelling.")] = None
    type: Annotated[Key | None, Field(description="The event type, as `billing.invoice.overdue`.")] = None
    source: Annotated[Key | None, Field(description="The system that it came from.")] = None
    since: Annotated[Moment | None, Field(description="Received then or later.")] = None
    until: Annotated[Moment | None, Field(description="Received before.")] = None
    text: Annotated[Text | None, Field(description="Found in its payload, whatever the case.")] = None


class EventShown(Shown):
    """One event and what was decided."""

    event_id: str
    idempotency_key: str
    event_type: str
    source_system: str
    external_id: str | None
    tenant_id: int | None
    channel: str | None
    contact: str | None
    conversation_id: str | None
    trace_id: str
    correlation_id: str | None
    kind: str
    status: str
    reason: str | None
    action: str
    rule_id: str | None
    rule_version: int | None
    template: str | None
    template_version: int | None
    command_id: str | None
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime | None
    expires_at: datetime | None
    duplicates: int


class WholeEvent(EventShown):
    """The same with all that it says, and where its raw record lies."""

    payload: dict[str, Any]
    metadata: dict[str, Any]
    raw: str
