"""The audit, as the Admin API shows it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from schemas.admin.pages import Listing
from schemas.admin.values import Key, Moment, Name, Shown


class AuditFilter(Listing):
    """Which entries are wanted; what was done last comes first."""

    subject: Annotated[Key | None, Field(description="What it was done to, as `rule:billing`.")] = None
    actor: Annotated[Name | None, Field(description="Who did it.")] = None
    action: Annotated[Name | None, Field(description="What was done, as `rule.changed`.")] = None
    since: Annotated[Moment | None, Field(description="Done then or later.")] = None
    until: Annotated[Moment | None, Field(description="Done before.")] = None


class ChangeShown(Shown):
    """One thing that was done, by whom, and why. `record` is where it lies in `audit.change`."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    detail: dict[str, Any]
    trace_id: str | None
    record: str
