"""Rules and templates, as the Admin API takes and shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.admin.pages import Listing
from schemas.admin.values import Body, JsonObject, Shown, Text

RuleId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
TemplateName = Annotated[str, Field(min_length=1, max_length=191, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Pattern = Annotated[
    str, Field(min_length=1, max_length=255, description="Words joined by dots; a last `*` is one word or more.")
]
ActionName = Literal["whatsapp", "chat", "ai", "http", "none"]
PolicyName = Literal["at_most_once", "at_least_once"]
Danger = Literal["sends_to_everyone", "sends_far_more", "matches_nothing", "unknown_variable", "rejects"]
Source = Annotated[str, Field(min_length=1, max_length=255)]
Priority = Annotated[int, Field(ge=-2_147_483_648, le=2_147_483_647)]
Seconds = Annotated[int, Field(ge=1, le=4_294_967_295)]
TemplateBody = Annotated[str, Field(min_length=1, max_length=20_000)]
Conditions = Annotated[JsonObject, Field(description="As in docs/operations.md: fields and operators.")]


class RuleFields(Body):
    """What a rule says beside its event type and action."""

    source_system: Annotated[Source | None, Field(description="None: of any.")] = None
    conditions: Conditions | None = None
    template: Annotated[TemplateName | None, Field(description="The template of its message.")] = None
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


class NewTemplate(Body):
    """A template that is to be made."""

    name: TemplateName
    body: TemplateBody
    is_enabled: bool = True


class TemplateChange(Body):
    """The fields that are to be otherwise; those left out stay."""

    body: Annotated[TemplateBody, Field(default_factory=str)]
    is_enabled: bool = True


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


class Ordered(Body):
    """A rule in an order, as it was seen."""

    id: RuleId
    etag: Annotated[str, Field(min_length=1, max_length=100)]


class Order(Body):
    """Rules, the one that comes first first."""

    rules: Annotated[list[Ordered], Field(min_length=2, max_length=100)]


class Proposed(Body):
    """What is tried out together: rules and templates in place of those with their ids, and what is there no more."""

    rules: Annotated[list[NewRule], Field(max_length=100)] = []  # noqa: RUF012
    templates: Annotated[list[NewTemplate], Field(max_length=100)] = []  # noqa: RUF012
    deleted_rules: Annotated[list[RuleId], Field(max_length=100)] = []  # noqa: RUF012
    deleted_templates: Annotated[list[TemplateName], Field(max_length=100)] = []  # noqa: RUF012
    last: Annotated[int, Field(ge=1, le=200_000, description="How many of the last events are looked at.")] = 5_000
    most: Annotated[int, Field(ge=0, le=1_000, description="How many that would end otherwise are shown.")] = 20


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


class RuleShown(Shown):
    """A rule as it is written. `fault` says why it makes no sense; then what was in force before stays so."""

    id: str
    event_type: str
    action: str
    source_system: str | None
    conditions: Any
    template: str | None
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


class TemplateShown(Shown):
    """A template as it is written; `fault` as of a rule."""

    name: str
    body: str
    is_enabled: bool
    etag: str
    created_at: datetime
    updated_at: datetime
    fault: str | None
    in_force: Annotated[InForceShown | None, Field(description="In the answer to a change.")] = None


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


class DryRunShown(Shown):
    """What would differ: in sum, and event by event."""

    events: int
    first_at: datetime | None
    last_at: datetime | None
    differing: int
    sending: int
    effects: dict[str, int]
    rules: dict[str, "MatchesShown"]
    unknown_variables: dict[str, list[str]]
    first_rejection: str | None
    dangers: list["DangerShown"]
    differences: list["DifferenceShown"]


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


class WorkerShown(Shown):
    """A live worker; without `applied_at` it has not said what it has put in force."""

    worker: str
    host: str | None
    pid: int | None
    applied_at: datetime | None
    is_current: bool


class FaultShown(Shown):
    """A row that is not published, or an entry that does not work, and why."""

    subject: str
    reason: str


class ConfigurationShown(Shown):
    """What MySQL says against what is in force. `pending` entries are about to be published."""

    is_complete: bool
    is_in_force: bool
    pending: int
    vanished: list[str]
    faults: list[FaultShown]
    workers: list[WorkerShown]
