"""EventIn, checked: each field in its own type, all that are wrong named."""

from datetime import datetime
from typing import Any, Final

import msgspec

from streams import keys, timestamps
from streams.normalization.errors import FieldError, NormalizationError
from streams.normalization.event_fields import FIELDS, MAX_DEPTH, REQUIRED

MAX_KEY: Final = 700
"""Characters of an idempotency key, so that it fits into a unique index of MySQL."""

_CONTAINERS: Final = (dict, list)
_READERS: Final = {name: field.read for name, field in FIELDS.items()}


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
        missing = [FieldError(name, "is required") for name in REQUIRED if body.get(name) in (None, "")]
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


def _is_deeper(value: Any, levels: int) -> bool:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, _CONTAINERS) and (levels == 1 or _is_deeper(item, levels - 1)):
            return True
    return False
