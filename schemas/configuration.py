"""Configuration as published on `config.*`: authored in MySQL, versioned, read by router and sender."""

from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.commands import Policy
from schemas.events import Action

WPP_GATEWAY: Final = "wpp_gateway"
"""The provider whose channels the hub receives and sends by; those of other providers are only listed."""


class Rule(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One routing rule. `event_type` is a pattern: dot-separated segments, a last `*` matches one or more.

    `source_system` None means any. `target` names who gets what an `ai` or `http` action posts. Lower `priority` wins.
    `ttl_seconds` counts from the event's `received_at`.
    """

    id: str
    version: int = 0
    event_type: str
    action: Action
    source_system: str | None = None
    conditions: dict[str, Any] | None = None
    template: str | None = None
    target: str | None = None
    policy: Policy = Policy.AT_MOST_ONCE
    priority: int = 100
    is_enabled: bool = True
    send_window: dict[str, Any] | None = None
    pace: dict[str, Any] | None = None
    ttl_seconds: int | None = None
    metadata: dict[str, Any] | None = None


class Tenant(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Who owns a channel. `time_zone` is an IANA name."""

    id: int
    name: str
    time_zone: str = "America/Sao_Paulo"
    is_enabled: bool = True


class Channel(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One WhatsApp channel with its tenant; `id` is canonical, `channel_id` the gateway's exact spelling."""

    id: str
    version: int = 0
    channel_id: str
    tenant: Tenant
    provider: str = WPP_GATEWAY
    display_name: str | None = None
    is_enabled: bool = True
    metadata: dict[str, Any] | None = None


class Template(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One message text in Jinja2; `id` is its name."""

    id: str
    version: int = 0
    body: str
    is_enabled: bool = True


class Target(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Where an `ai` or `http` action posts events; `id` is its name.

    Its secret follows from the hub's own key, its name and `secret_version` (`streams.signatures`). Until
    `former_secret_until`, requests are signed with the secret of the version before as well. UTC.
    """

    id: str
    version: int = 0
    url: str
    is_enabled: bool = True
    timeout_seconds: float = 30.0
    secret_version: int = 1
    former_secret_until: datetime | None = None


class Sentinel(msgspec.Struct, kw_only=True, frozen=True):
    """Says on `config.rule` that a complete configuration was published before it."""

    channels: int
    templates: int
    rules: int
    targets: int = 0


SENTINEL_KEY = b"~complete"


class Change(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One published version of an entry: the value of `config.change`, keyed by its id.

    `topic` is where it was published, `value` its JSON there; without one, this version deleted the entry.
    """

    topic: str
    id: str
    version: int
    value: dict[str, Any] | None = None
