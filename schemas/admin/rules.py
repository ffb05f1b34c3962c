"""Rules, as the Admin API takes and shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.admin.authored import InForceShown, RuleId, TargetName, TemplateName
from schemas.admin.values import Body, JsonObject, Shown

Pattern = Annotated[
    str, Field(min_length=1, max_length=255, description="Words joined by dots; a last `*` is one word or more.")
]
ActionName = Literal["whatsapp", "chat", "ai", "http", "none"]
PolicyName = Literal["at_most_once", "at_least_once"]
Source = Annotated[str, Field(min_length=1, max_length=255)]
Priority = Annotated[int, Field(ge=-2_147_483_648, le=2_147_483_647)]
Seconds = Annotated[int, Field(ge=1, le=4_294_967_295)]
Conditions = Annotated[JsonObject, Field(description="As in docs/operations.md: fields and operators.")]


class RuleFields(Body):
    """What a rule says beside its event type and action."""

    source_system: Annotated[Source | None, Field(description="None: of any.")] = None
    conditions: Conditions | None = None
    template: Annotated[TemplateName | None, Field(description="The template of its message.")] = None
    target: Annotated[TargetName | None, Field(description="Where the actions ai and http post.")] = None
    policy: PolicyName = "at_most_once"
    priority: Annotated[Priority, Field(description="The lower comes first.")] = 100
    is_enabled: bool = True
    send_window: JsonObject | None = None
    pace: JsonObject | None = None
    ttl_seconds: Seconds | None = None
    metadata: JsonObject | None = None


class NewRule(RuleFields):
    """A rule that is to be made."""

    id: RuleId
    event_type: Pattern
    action: ActionName


class RuleChange(RuleFields):
    """The fields that are to be otherwise; those left out stay, null is none."""

    event_type: Annotated[Pattern, Field(default_factory=str)]
    action: Annotated[ActionName, Field(default_factory=str)]


class Ordered(Body):
    """A rule in an order, as it was seen."""

    id: RuleId
    etag: Annotated[str, Field(min_length=1, max_length=100)]


class Order(Body):
    """Rules, the one that comes first first."""

    rules: Annotated[list[Ordered], Field(min_length=2, max_length=100)]


class RuleShown(Shown):
    """A rule as it is written. `fault` says why it makes no sense; then what was in force before stays so."""

    id: str
    event_type: str
    action: str
    source_system: str | None
    conditions: Any
    template: str | None
    target: str | None
    policy: str
    priority: int
    is_enabled: bool
    send_window: Any
    pace: Any
    ttl_seconds: int | None
    metadata: Any
    etag: str
    created_at: datetime
    updated_at: datetime
    fault: str | None
    in_force: Annotated[InForceShown | None, Field(description="In the answer to a change.")] = None
