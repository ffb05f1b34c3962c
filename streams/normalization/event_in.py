"""EventIn, checked: each field in its own type, all that are wrong named."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas import event_types
from streams import identity, keys, timestamps
from streams.normalization.decoding import json_type
from streams.normalization.errors import FieldError, NormalizationError

MAX_NAME: Final = 200
MAX_ID: Final = 512
MAX_CHANNEL: Final = 100
MAX_TRACE_ID: Final = 128
MAX_KEY: Final = 700
"""Characters of an idempotency key, so that it fits into a unique index of MySQL."""
MAX_DEPTH: Final = 24
"""Levels of objects and arrays in payload and metadata; MariaDB reads JSON up to 32 levels."""
MAX_TENANT_ID: Final = 2**32 - 1

_CONTAINERS: Final = (dict, list)
_EVENT_TYPE: Final = re.compile(r"[^\s.\x00-\x1f\x7f-\x9f]+(?:\.[^\s.\x00-\x1f\x7f-\x9f]+)*")


class _WrongValueError(ValueError):
    """A field's value is not what the contract says."""


class CheckedEventIn(msgspec.Struct, kw_only=True, frozen=True):
    """An EventIn whose fields are sure. `channel` is canonical, `channel_id` the producer's spelling. Times are UTC.

    Fields of the envelope that the contract does not know are in `metadata`.
    """

    source_system: str
    event_type: str
    idempotency_key: str
    payload: dict[str, Any]
    metadata: dict[str, Any]
    external_id: str | None = None
    occurrence: str | None = None
    ordering_key: str | None = None
    tenant_id: int | None = None
    channel: str | None = None
    channel_id: str | None = None
    occurred_at: datetime | None = None
    trace_id: str | None = None
    correlation_id: str | None = None
    expires_at: datetime | None = None


def check(body: dict[str, Any]) -> CheckedEventIn:
    """Check a decoded EventIn and make its idempotency key (the full one, source system first).

    An empty text in an optional field counts as absent. NormalizationError carries every field that is wrong.
    """
    values: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for name, value in body.items():
        if (read := _READERS.get(name)) is None:
            unknown[name] = value
        elif value is not None and value != "":
            try:
                values[name] = read(value)
            except ValueError as error:
                wrong.append(FieldError(name, str(error)))
    if wrong or "source_system" not in values or "event_type" not in values:
        missing = [FieldError(name, "is required") for name in _REQUIRED if body.get(name) in (None, "")]
        raise _invalid(*missing, *wrong)
    payload = values.setdefault("payload", {})
    metadata = values.setdefault("metadata", {})
    if unknown:
        values["metadata"] = metadata = unknown | metadata
    for name, held in (("payload", payload), ("metadata", metadata)):
        if _is_deeper(held, MAX_DEPTH):
            raise _invalid(FieldError(name, f"is nested deeper than {MAX_DEPTH} levels"))
    if channel := values.get("channel"):
        values["channel_id"] = body["channel"]
    key = _idempotency_key(values, channel, payload)
    if len(key) > MAX_KEY:
        raise _invalid(FieldError("idempotency_key", f"has {len(key)} characters with its parts, at most {MAX_KEY}"))
    values["idempotency_key"] = key
    return CheckedEventIn(**values)


def _idempotency_key(values: dict[str, Any], channel: str | None, payload: dict[str, Any]) -> str:
    source_system, event_type = values["source_system"], values["event_type"]
    if keys.is_reserved(source_system, event_type):
        raise _invalid(FieldError("event_type", f"{event_type!r} is the gateway's own with this source_system"))
    external_id, own = values.get("external_id"), values.get("idempotency_key")
    content = None
    if external_id is None and own is None:
        occurred_at = values.get("occurred_at")
        content = {
            "tenant_id": values.get("tenant_id"),
            "channel": channel,
            "occurred_at": None if occurred_at is None else timestamps.milliseconds(occurred_at),
            "payload": payload,
        }
    return keys.for_event(
        source_system,
        event_type,
        external_id=external_id,
        occurrence=values.get("occurrence"),
        idempotency_key=own,
        ordering_key=values.get("ordering_key"),
        content=content,
    )


def _invalid(*fields: FieldError) -> NormalizationError:
    return NormalizationError("invalid_field", "; ".join(map(str, fields)), fields)


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


def _is_deeper(value: Any, levels: int) -> bool:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, _CONTAINERS) and (levels == 1 or _is_deeper(item, levels - 1)):
            return True
    return False


_REQUIRED: Final = ("source_system", "event_type")
_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "source_system": _name,
    "event_type": _event_type,
    "external_id": _id,
    "occurrence": _id,
    "idempotency_key": _own_key,
    "ordering_key": _own_key,
    "tenant_id": _tenant_id,
    "channel": _channel,
    "occurred_at": timestamps.parse,
    "payload": _object,
    "metadata": _object,
    "trace_id": _trace_id,
    "correlation_id": _trace_id,
    "expires_at": timestamps.parse,
}
