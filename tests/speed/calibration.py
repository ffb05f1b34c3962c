"""A yardstick: work of the kind that the core does, and none of its code, so that a figure means the same anywhere."""

import hashlib
from datetime import UTC, datetime
from time import process_time
from typing import Any, Final

import msgspec

_BODY: Final = msgspec.json.encode(
    {"name": "Ana", "at": "2026-01-15T12:00:00Z", "payload": {"number": 7, "amount": 1234.5, "text": "x" * 400}}
)
_TURNS: Final = 300


class _Made(msgspec.Struct):
    key: str
    digest: str
    at: datetime
    fields: dict[str, Any]


def turn() -> float:
    """Seconds of this process for one turn of the yardstick."""
    began = process_time()
    for number in range(_TURNS):
        _step(number)
    return (process_time() - began) / _TURNS


def _step(number: int) -> bytes:
    body = msgspec.json.decode(_BODY)
    fields = {name: _read(value) for name, value in body.items() if value is not None}
    at = datetime.fromisoformat(body["at"])
    key = "|".join((body["name"], str(number), at.astimezone(UTC).isoformat()))
    digest = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    found = [f"{digest[:8]}-{name}".encode() for name in fields if name.isprintable()]
    return msgspec.json.encode(_Made(key, digest, at, fields)) + b"".join(found)


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _read(item) for name, item in value.items()}
    return value.strip() if isinstance(value, str) else value
