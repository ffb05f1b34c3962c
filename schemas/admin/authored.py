"""What is said with a change of the configuration, and what is answered to it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.admin.pages import Listing
from schemas.admin.values import Body, Shown, Text

RuleId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
TemplateName = Annotated[str, Field(min_length=1, max_length=191, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
TargetName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Danger = Literal["sends_to_everyone", "sends_far_more", "matches_nothing", "unknown_variable", "rejects"]


class Changing(Body):
    """What is said with a change, in its query."""

    confirm: Annotated[list[Danger], Field(max_length=10, description="Dangers that are meant.")] = []  # noqa: RUF012
    reason: Annotated[Text | None, Field(description="Why, for the audit.")] = None
    wait: Annotated[
        float, Field(ge=0, le=10, strict=False, description="Seconds to wait until it is in force everywhere.")
    ] = 1.0


class Restoration(Body):
    """Which version is to be written again."""

    version: Annotated[int, Field(ge=1, le=2_147_483_647)]


class AuthoredFilter(Listing):
    """Which are wanted."""

    text: Annotated[Text | None, Field(description="Found in its id, or the event type of a rule.")] = None


class InForceShown(Shown):
    """In how many live workers a change is in force. `problem` says why it is not on its way to them."""

    is_everywhere: bool
    version: int | None
    workers: int
    waiting_for: list[str]
    seconds: float
    problem: str | None


class Deleted(Shown):
    """What was deleted."""

    id: str
    in_force: InForceShown


class VersionShown(Shown):
    """One published version. `by` None is plain SQL, `entry` None a deletion; `fields` are those that it changed."""

    version: int
    at: datetime
    by: str | None
    reason: str | None
    trace_id: str | None
    fields: list[str]
    entry: dict[str, Any] | None


class StandingShown(Shown):
    """Where an entry is between the hand of its author and the workers."""

    id: str
    state: str
    version: int | None
    reason: str | None
    in_force: InForceShown
