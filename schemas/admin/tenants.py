"""Tenants, as the Admin API takes and shows them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from schemas.admin.authored import InForceShown
from schemas.admin.pages import Listing
from schemas.admin.values import Body, Name, Shown, Text

TimeZone = Annotated[str, Field(min_length=1, max_length=64, description="An IANA name, as America/Sao_Paulo.")]


class TenantFilter(Listing):
    """Which tenants are wanted; by id."""

    enabled: Annotated[bool | None, Field(strict=False)] = None
    text: Annotated[Text | None, Field(description="Found in the name, whatever the case.")] = None


class NewTenant(Body):
    """A tenant to be added."""

    name: Name
    time_zone: TimeZone = "America/Sao_Paulo"


class TenantChanges(Body):
    """What is to be changed; what is left out, or null, stays."""

    name: Name | None = None
    time_zone: TimeZone | None = None
    is_enabled: bool | None = None


class TenantShown(Shown):
    """One tenant, and its channel as the gateway spells it."""

    id: int
    name: str
    time_zone: str
    is_enabled: bool
    channel_id: str | None
    created_at: datetime
    updated_at: datetime
    in_force: Annotated[InForceShown | None, Field(description="Of a change: how far it has come.")] = None
