"""The fields of an EventIn: what each may hold, once to read it and once to describe it as JSON Schema."""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from schemas import event_types
from streams import identity, timestamps
from streams.normalization.decoding import json_type

JsonSchema = dict[str, Any]

MAX_NAME: Final = 200
MAX_ID: Final = 512
MAX_CHANNEL: Final = 100
MAX_TRACE_ID: Final = 128
MAX_TENANT_ID: Final = 2**32 - 1
MAX_DEPTH: Final = 24
"""Levels of objects and arrays in payload and metadata; MariaDB reads JSON up to 32 levels."""

_EVENT_TYPE: Final = re.compile(r"[^\s.\x00-\x1f\x7f-\x9f]+(?:\.[^\s.\x00-\x1f\x7f-\x9f]+)*")


class Field(NamedTuple):
    """One field of the envelope.

    `read` gives a value, neither null nor an empty text, in its own type, or raises a ValueError that says what is
    wrong. `schema` takes all that `read` takes, and as little else as JSON Schema can tell.
    """

    read: Callable[[object], Any]
    schema: JsonSchema


class _WrongValueError(ValueError):
    """A field's value is not what the contract says."""


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise _WrongValueError(f"expected str, got {json_type(value)}")
    if len(value) > longest:
        raise _WrongValueError(f"has {len(value)} characters, at most {longest} are allowed")
    return value


def _name(value: object) -> str:
    text = _text(value, MAX_NAME)
    if not text.isprintable() or text != text.strip():
        raise _WrongValueError("must not have control characters, nor white space around it")
    return text


def _event_type(value: object) -> str:
    text = _text(value, MAX_NAME)
    if not _EVENT_TYPE.fullmatch(text):
        raise _WrongValueError("expected words with dots between them and no white space, as billing.invoice.overdue")
    if text.startswith(event_types.PREFIX):
        raise _WrongValueError(
            f"must not begin with {event_types.PREFIX}: only the gateway's webhook tells such events"
        )
    return text


def _id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _WrongValueError(f"expected str or int, got {json_type(value)}")
    return _text(value, MAX_ID)


def _own_key(value: object) -> str:
    return _text(value, MAX_ID)


def _tenant_id(value: object) -> int:
    if isinstance(value, str) and len(value) <= 10 and value.isascii() and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongValueError(f"expected a whole number, got {json_type(value)}")
    if not 1 <= value <= MAX_TENANT_ID:
        raise _WrongValueError(f"expected a number from 1 to {MAX_TENANT_ID}")
    return value


def _channel(value: object) -> str | None:
    text = _text(value, MAX_CHANNEL)
    canonical = identity.canonical_channel(text)
    if not canonical.isprintable() or len(canonical) > MAX_CHANNEL:
        raise _WrongValueError(f"must not have control characters, nor more than {MAX_CHANNEL} letters")
    return canonical or None


def _trace_id(value: object) -> str:
    text = _text(value, MAX_TRACE_ID)
    if not text.isprintable():
        raise _WrongValueError("must not have control characters")
    return text


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _WrongValueError(f"expected object, got {json_type(value)}")
    return value


def within(levels: int) -> JsonSchema:
    """A value of at most so many levels of objects and arrays, by its name in the schema's `$defs`."""
    return {"$ref": f"#/$defs/within_{levels}_levels"}


def _never(*patterns: str) -> list[JsonSchema]:
    """Texts without these. Said so, for where `$` lies before a line's end, the languages differ."""
    return [{"not": {"pattern": pattern}} for pattern in patterns]


_CONTROL: Final = r"[\u0000-\u001f\u007f-\u009f]"
_A_NUMBER: Final = r"^\s*[0-9]{1,20}(\.[0-9]+)?\s*$"
_ISO: Final = r"^\s*(1999|20[0-9][0-9]|2100)-?W?[0-9][0-9]"  # an offset may lead into the next year

_NAMED: Final[JsonSchema] = {"type": "string", "maxLength": MAX_NAME}
_OWN_KEY: Final[JsonSchema] = {"type": "string", "maxLength": MAX_ID}
_ID: Final[JsonSchema] = {
    "type": ["string", "integer"],
    "maxLength": MAX_ID,
    "minimum": -(2**63),
    "maximum": 2**64 - 1,
}
_TIME: Final[JsonSchema] = {
    "anyOf": [
        {"type": "string", "anyOf": [{"pattern": _A_NUMBER}, {"pattern": _ISO}]},
        {
            "type": "number",
            "minimum": timestamps.EARLIEST.timestamp(),
            "exclusiveMaximum": timestamps.LATEST.timestamp(),
        },
        {
            "type": "number",
            "minimum": timestamps.milliseconds(timestamps.EARLIEST),
            "exclusiveMaximum": timestamps.milliseconds(timestamps.LATEST),
        },
    ]
}
_TENANT_ID: Final[JsonSchema] = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MAX_TENANT_ID},
        {"type": "string", "maxLength": 10, "pattern": "[1-9]", "allOf": _never("[^0-9]")},
    ]
}
_OBJECT: Final[JsonSchema] = {"type": "object", "additionalProperties": within(MAX_DEPTH - 1)}
_TRACE_ID: Final[JsonSchema] = {"type": "string", "maxLength": MAX_TRACE_ID, "allOf": _never(_CONTROL)}

FIELDS: Final[dict[str, Field]] = {
    "source_system": Field(_name, {**_NAMED, "allOf": _never(_CONTROL, r"^\s", r"\s$")}),
    "event_type": Field(
        _event_type,
        {**_NAMED, "allOf": _never(rf"\s|{_CONTROL}", r"^\.|\.\.|\.$", f"^{re.escape(event_types.PREFIX)}")},
    ),
    "external_id": Field(_id, _ID),
    "occurrence": Field(_id, _ID),
    "idempotency_key": Field(_own_key, _OWN_KEY),
    "ordering_key": Field(_own_key, _OWN_KEY),
    "tenant_id": Field(_tenant_id, _TENANT_ID),
    "channel": Field(_channel, {"type": "string", "maxLength": MAX_CHANNEL}),
    "occurred_at": Field(timestamps.parse, _TIME),
    "payload": Field(_object, _OBJECT),
    "metadata": Field(_object, _OBJECT),
    "trace_id": Field(_trace_id, _TRACE_ID),
    "correlation_id": Field(_trace_id, _TRACE_ID),
    "expires_at": Field(timestamps.parse, _TIME),
}
"""By name, in the order of `schemas.events.EventIn`."""

REQUIRED: Final = ("source_system", "event_type")
