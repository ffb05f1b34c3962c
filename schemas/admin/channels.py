"""Channels and their set-up, as the Admin API takes and shows them."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue

from schemas.admin.authored import InForceShown
from schemas.admin.pages import Listing
from schemas.admin.values import Body, Name, Shown, TenantId, Text

LARGEST_METADATA = 16_384
DEEPEST_METADATA = 16

ChannelId = Annotated[str, Field(min_length=1, max_length=100, description="As the gateway spells it.")]
Step = Literal["create", "register", "enable", "start", "wait", "scan", "webhook", "test", "done"]
DifferenceKind = Literal["unknown_there", "unknown_here", "spelling", "state"]


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        raise ValueError("holds what JSON cannot say") from None
    if len(written) > LARGEST_METADATA or _depth(value) > DEEPEST_METADATA:
        raise ValueError(f"has more than {LARGEST_METADATA} bytes, or {DEEPEST_METADATA} levels")
    return value


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


Metadata = Annotated[
    dict[str, JsonValue],
    AfterValidator(_storable),
    Field(description='`{"pace": {"every_seconds": 30, "per_day": 200}, "send_window": ...}`, and what you like.'),
]


class ChannelFilter(Listing):
    """Which channels are wanted; in the order in which they were made."""

    tenant: Annotated[TenantId | None, Field(strict=False)] = None
    enabled: Annotated[bool | None, Field(strict=False, description="The channel and its tenant.")] = None
    webhook: Annotated[bool | None, Field(strict=False, description="Whether its webhook is set and probed.")] = None
    state: Annotated[Text | None, Field(description="What a webhook told last, as `connected`.")] = None
    text: Annotated[Text | None, Field(description="Found in the names of channel and tenant.")] = None


class NewChannel(Body):
    """A channel for a tenant; made at the gateway where that has none of the name.

    Without a name it is called as its tenant.
    """

    tenant_id: TenantId
    channel_id: ChannelId | None = None
    display_name: Name | None = None


class ChannelChanges(Body):
    """What is to be changed; what is left out stays, null takes a display name or metadata away."""

    display_name: Name | None = None
    is_enabled: bool | None = None
    metadata: Metadata | None = None


class Move(Body):
    """To whom a channel is handed over, and why."""

    tenant_id: TenantId
    reason: Text


class NewTestMessage(Body):
    """Whom a channel writes to, and what, unless that it is a test."""

    to: Annotated[str, Field(min_length=1, max_length=100, description="A phone in any spelling, or an id.")]
    text: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None


class ChannelShown(Shown):
    """One channel: its row, what webhooks told of it last, and when it was heard of.

    `id` is canonical, `channel_id` the gateway's exact spelling.
    """

    id: str
    channel_id: str
    tenant_id: int
    tenant_name: str
    tenant_is_enabled: bool
    display_name: str | None
    is_enabled: bool
    webhook_configured: bool
    webhook_set_at: datetime | None
    metadata: dict[str, Any] | None
    state: str | None
    state_at: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    last_ack_at: datetime | None
    created_at: datetime
    updated_at: datetime
    in_force: Annotated[InForceShown | None, Field(description="Of a change: how far it has come.")] = None


class StandingShown(Shown):
    """Where a channel stands: the gateway's word for its state (null: it knows none), the next step, and what to do."""

    channel: ChannelShown
    gateway_state: str | None
    next_step: Step
    what_to_do: str


class QrShown(Shown):
    """The QR code that a channel shows now: what a phone reads, and drawn for a terminal."""

    text: str
    drawn: str


class WebhookShown(Shown):
    """Where the gateway posts to, and where the probe lies in the log that came in there."""

    url: str
    probe: str


class TestMessageShown(Shown):
    """A test message that was handed in: `/api/admin/events/{event_id}` tells of it, and `posto trace`."""

    __test__ = False  # pytest need not look

    event_id: str
    trace_id: str


class DifferenceShown(Shown):
    """One channel that the gateway's list and ours do not have alike."""

    kind: DifferenceKind
    channel: str
    here: str | None
    there: str | None
    tenant_id: int | None


class DifferencesShown(Shown):
    """All differences between the gateway's list and ours."""

    items: list[DifferenceShown]
