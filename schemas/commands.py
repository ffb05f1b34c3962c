"""Commands: what the hub wants done, decided once per event and action."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from schemas.chat import Authorship
from schemas.events import SCHEMA_VERSION, Action


class Policy(StrEnum):
    """What to do with a send that stays in doubt after its evidence window."""

    AT_MOST_ONCE = "at_most_once"
    AT_LEAST_ONCE = "at_least_once"


class Command(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One message to be sent: the value of `command.outbound`, keyed by its canonical channel.

    `command_id` is the UUIDv5 of event and action, so that one event can never make two. `to` is the recipient as
    the gateway takes it. `contact` is its match key: order is kept per contact. `precondition_url` is asked before
    each request whether it still makes sense. `pace` and `send_window` are those of its rule. `authorship` is
    there where somebody wrote it into a conversation. Times are UTC.
    """

    command_id: str
    event_id: str
    event_type: str
    trace_id: str
    action: Action
    tenant_id: int
    channel: str
    to: str
    contact: str
    text: str
    created_at: datetime
    policy: Policy = Policy.AT_MOST_ONCE
    correlation_id: str | None = None
    conversation_id: str | None = None
    rule_id: str | None = None
    rule_version: int | None = None
    template: str | None = None
    template_version: int | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    precondition_url: str | None = None
    pace: dict[str, Any] | None = None
    send_window: dict[str, Any] | None = None
    authorship: Authorship | None = None
    metadata: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION
