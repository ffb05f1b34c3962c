"""Dead letters, as the Admin API shows them, and what is done to them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.admin.pages import Listing
from schemas.admin.values import Body, Key, Moment, Shown, TenantId, Text

LetterName = Annotated[
    str,
    Field(
        max_length=400,
        pattern=r"^([A-Za-z0-9_.-]{1,50}:)?[A-Za-z0-9._-]{1,249}/[0-9]{1,9}@[0-9]{1,18}$",
        description="As `router:raw.event/3@17`.",
    ),
]


class LetterFilter(Listing):
    """Which dead letters are wanted; those that failed last come first."""

    state: Annotated[Literal["open", "redriven", "discarded", "all"], Field(description="`open` unless said.")] = "open"
    stage: Annotated[Key | None, Field(description="Who gave up: `normalizer`, `router`, `sender`, ...")] = None
    error: Annotated[Key | None, Field(description="The class of the error, as `RejectedError`.")] = None
    topic: Annotated[Key | None, Field(description="Where the record lay.")] = None
    tenant: Annotated[TenantId | None, Field(strict=False)] = None
    channel: Annotated[Key | None, Field(description="In any spelling.")] = None
    trace: Annotated[Key | None, Field(description="Its trace id.")] = None
    since: Annotated[Moment | None, Field(description="It failed last then or later.")] = None
    until: Annotated[Moment | None, Field(description="It failed last before.")] = None
    text: Annotated[Text | None, Field(description="Found in the error's message, whatever the case.")] = None


class LetterShown(Shown):
    """One dead letter. `id` is its name; `source` is where the record lay, `letter` where it lies now."""

    id: str
    state: str
    stage: str
    error_class: str
    error_message: str
    source: str
    letter: str
    round: int
    failures: int
    trace_id: str | None
    tenant_id: int | None
    channel: str | None
    created_at: datetime
    failed_at: datetime
    redriven_at: datetime | None
    original_bytes: int
    cannot_be_redriven: str | None


class HappeningShown(Shown):
    """One entry of a letter's history."""

    round: int
    what: str
    at: datetime
    error_class: str | None
    error_message: str | None
    actor: str | None
    reason: str | None
    record: str | None


class WholeLetter(LetterShown):
    """One dead letter with what became of it. `body` is the record as JSON, `text` where it is none.

    Both are None where MySQL keeps only a part of it.
    """

    history: list[HappeningShown]
    body: Any = None
    text: str | None = None


Names = Annotated[list[LetterName], Field(min_length=1, max_length=100)]


class Redriving(Body):
    """Which letters are processed again, and why."""

    names: Names
    reason: Text | None = None


class Discarding(Body):
    """Which letters are put aside, and why."""

    names: Names
    reason: Text


class Done(Shown):
    """How many it was done to; `refused` says how many it was not, by the reason why."""

    done: int
    refused: dict[str, int]
