"""EventIn as JSON Schema: made of the very fields that are checked, so that both say the same."""

from typing import Any, Final

from streams import keys
from streams.normalization.event_fields import FIELDS, MAX_DEPTH, REQUIRED, JsonSchema, within
from streams.normalization.event_in import MAX_KEY
from streams.normalization.events import MAX_BYTES

_ABSENT: Final[JsonSchema] = {"enum": [None, ""]}

CHECKED_BY_THE_HUB_ALONE: Final = (
    f"What this schema cannot tell is checked by the hub: an event has at most {MAX_BYTES} bytes, its idempotency key "
    f"at most {MAX_KEY} characters with all its parts; a time must be one of the calendar; a tenant's digits are at "
    "most 4294967295; a whole number is written without a fraction; invisible characters are no part of a name, a "
    "trace or a channel."
)


def event_schema() -> JsonSchema:
    """The JSON Schema (2020-12) of an EventIn. What `check` takes is valid, and all but what the comment names."""
    return {
        "title": "EventIn",
        "description": "One event: the body of POST /api/events, and the value of a record on raw.event.",
        "$comment": CHECKED_BY_THE_HUB_ALONE,
        "type": "object",
        "required": list(REQUIRED),
        "properties": {name: _property(name) for name in FIELDS},
        "additionalProperties": within(MAX_DEPTH - 1),  # they become a part of the metadata
        "not": _reserved(),
        "$defs": {f"within_{levels}_levels": _nested(levels) for levels in range(MAX_DEPTH)},
    }


def _property(name: str) -> JsonSchema:
    schema = FIELDS[name].schema
    return {**schema, "minLength": 1} if name in REQUIRED else {"anyOf": [schema, _ABSENT]}


def _reserved() -> JsonSchema:
    """What would read as the gateway's own in a key (`keys.is_reserved`)."""
    own: list[Any] = [{"enum": sorted(keys.KINDS)}, {"pattern": f"^{keys.UNKNOWN.replace('.', '[.]')}"}]
    return {
        "required": list(REQUIRED),
        "properties": {"source_system": {"const": keys.GATEWAY}, "event_type": {"type": "string", "anyOf": own}},
    }


def _nested(levels: int) -> JsonSchema:
    if not levels:
        return {"type": ["string", "number", "boolean", "null"]}
    return {"additionalProperties": within(levels - 1), "items": within(levels - 1)}
