"""The bounded values of which bodies, filters and answers of the Admin API are made."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_LARGEST_OBJECT: Final = 65_536
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]", re.ASCII)


class Body(BaseModel):
    """What a caller sends: nothing that is not named, and no value of another type. Choices are `Literal`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Shown(BaseModel):
    """What is answered; made of anything that has its fields: `Shown.model_validate(found)`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def _only_text(value: Any) -> Any:
    if isinstance(value, str) and _DATE.match(value):
        return value
    raise ValueError("must be a time such as 2026-01-15T08:30:00Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of the calendar") from None


Moment = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_only_text),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time with its offset, as `2026-01-15T08:30:00Z`; in UTC here."""

TenantId = Annotated[int, Field(ge=1, le=4_294_967_295)]
Key = Annotated[str, Field(min_length=1, max_length=768)]
"""An id that something was given, or a key."""
Name = Annotated[str, Field(min_length=1, max_length=191)]
PlaceShown = Annotated[str, BeforeValidator(str)]
"""Where a record lies in Kafka, as `raw.event/3@17`."""
Text = Annotated[str, Field(min_length=1, max_length=500)]
"""A short text: a reason, or what is searched for."""


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        msgspec.json.encode(value)
    except (ValueError, OverflowError, RecursionError):
        raise ValueError("must be JSON of Unicode texts and finite numbers") from None
    if len(text) > _LARGEST_OBJECT:
        raise ValueError(f"has {len(text)} bytes, at most {_LARGEST_OBJECT} are taken")
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_plain)]
"""A JSON object that everybody can read."""
