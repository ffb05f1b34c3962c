"""Dry runs, as the Admin API takes and shows them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from schemas.admin.authored import Danger, RuleId, TemplateName
from schemas.admin.rules import NewRule
from schemas.admin.templates import NewTemplate
from schemas.admin.values import Body, Shown
from schemas.proposals import LISTED, LOOKED_AT, MOST_DIFFERENCES, MOST_EVENTS


class Proposed(Body):
    """What is tried out together: rules and templates in place of those with their ids, and what is there no more."""

    rules: Annotated[list[NewRule], Field(max_length=100)] = []  # noqa: RUF012
    templates: Annotated[list[NewTemplate], Field(max_length=100)] = []  # noqa: RUF012
    deleted_rules: Annotated[list[RuleId], Field(max_length=100)] = []  # noqa: RUF012
    deleted_templates: Annotated[list[TemplateName], Field(max_length=100)] = []  # noqa: RUF012
    last: Annotated[int, Field(ge=1, le=MOST_EVENTS, description="So many of the last events.")] = LOOKED_AT
    most: Annotated[
        int, Field(ge=0, le=MOST_DIFFERENCES, description="How many that would end otherwise are shown.")
    ] = LISTED


class MatchesShown(Shown):
    """How many events a rule takes; `fits` were it alone, `comes_after` which rules take the others."""

    now: int
    then: int
    fits: int
    comes_after: dict[str, int]


class DangerShown(Shown):
    """What is rarely meant, and refused unless `confirm` names its code."""

    code: Danger
    subject: str
    message: str


class EndingShown(Shown):
    """What becomes of an event."""

    kind: str
    action: str
    rule_id: str | None
    template: str | None
    target: str | None
    channel: str | None
    to: str | None
    text: str | None
    reason: str | None


class DifferenceShown(Shown):
    """An event that would end otherwise."""

    event_id: str
    trace_id: str
    event_type: str
    source_system: str
    received_at: datetime
    effects: list[str]
    now: EndingShown
    then: EndingShown


class DryRunShown(Shown):
    """What would differ: in sum, and event by event."""

    events: Annotated[int, Field(description="How many were looked at: as many as fit into 256 MB, at most.")]
    first_at: datetime | None
    last_at: datetime | None
    differing: int
    sending: int
    effects: dict[str, int]
    rules: dict[str, MatchesShown]
    unknown_variables: dict[str, list[str]]
    first_rejection: str | None
    dangers: list[DangerShown]
    differences: list[DifferenceShown]
