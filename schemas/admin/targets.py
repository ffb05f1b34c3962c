"""Targets, as the Admin API takes and shows them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from schemas.admin.authored import InForceShown, TargetName
from schemas.admin.values import Body, Shown, Text

Url = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^https?://[!-~]+$")]
Timeout = Annotated[float, Field(gt=0, le=120, strict=False, description="Seconds that it may take.")]


class NewTarget(Body):
    """A target that is to be added."""

    name: TargetName
    url: Annotated[Url, Field(description="Where events are posted.")]
    is_enabled: bool = True
    timeout_seconds: Timeout = 30.0


class TargetChange(Body):
    """The fields that are to be otherwise; those left out stay."""

    url: Annotated[Url, Field(default_factory=str)]
    is_enabled: bool = True
    timeout_seconds: Timeout = 30.0


class Rotation(Body):
    """For how long the former secret signs as well."""

    keep_hours: Annotated[float, Field(ge=0, le=720, strict=False)] = 24.0


class Question(Body):
    """What somebody would have written."""

    text: Text = "Olá"


class TargetShown(Shown):
    """A target as it is written, without its secret; `fault` as of a rule."""

    name: str
    url: str
    is_enabled: bool
    timeout_seconds: float
    secret_version: int
    former_secret_until: datetime | None
    etag: str
    created_at: datetime
    updated_at: datetime
    fault: str | None
    in_force: Annotated[InForceShown | None, Field(description="In the answer to a change.")] = None


class SecretShown(Shown):
    """The secret with which requests to a target are signed."""

    name: str
    secret_version: int
    secret: str


class TriedShown(Shown):
    """What a target answered. `problem` says what is wrong with it; nothing was sent to anybody."""

    url: str
    seconds: float
    status: int | None
    replies: list[str]
    handoff: bool
    reason: str | None
    problem: str | None
