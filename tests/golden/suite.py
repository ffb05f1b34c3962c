"""The golden suite's files: `NAME.json` is a body, `NAME.expected.json` beside it what becomes of it.

An expectation holds `about` (what the body shows), `certainty` (V the shape of a stored real sample, D from a document
or a simulator, C accepted by the predecessor, I inferred), `covers` (ids of `tests/golden/rows.py`), and one of
`events` (with the references of their `blobs`), `noise` and `dead_letter`. What is the same for all events is left out.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.events import Event
from streams.normalization import webhooks
from streams.normalization.errors import NormalizationError
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord

FOLDER: Final = Path(__file__).parent
RAW: Final = RawRecord.of(
    "raw.webhook",
    3,
    42,
    1768512936999,
    [
        ("raw_id", b"R-1"),
        ("received_at", b"2026-01-15T21:35:36+00:00"),
        ("trace_id", b"0af7651916cd43dd8448eb211c80319c"),
    ],
)

_EXPECTED: Final = ".expected.json"
_THE_SAME_FOR_ALL: Final = ("event_id", "stream_key", "source_system", "received_at", "raw", "trace_id")


@dataclass(frozen=True)
class Case:
    """A body with its expectation."""

    name: str
    body: bytes
    expected: dict[str, Any]

    def __str__(self) -> str:
        return self.name

    @property
    def outcome(self) -> dict[str, Any]:
        """What the expectation says becomes of the body."""
        return {
            name: self.expected[name] for name in ("events", "blobs", "noise", "dead_letter") if name in self.expected
        }


def bodies() -> set[str]:
    """The names of all bodies."""
    return {path.stem for path in FOLDER.glob("*.json") if not path.name.endswith(_EXPECTED)}


def expectations() -> set[str]:
    """The names of all expectations."""
    return {path.name.removesuffix(_EXPECTED) for path in FOLDER.glob(f"*{_EXPECTED}")}


def cases() -> list[Case]:
    """All bodies that have an expectation, by name."""
    return [
        Case(name, (FOLDER / f"{name}.json").read_bytes(), json.loads((FOLDER / f"{name}{_EXPECTED}").read_text()))
        for name in sorted(bodies() & expectations())
    ]


def outcome(body: bytes) -> dict[str, Any]:
    """What becomes of a body, as an expectation tells it."""
    try:
        found = webhooks.normalize(body, RAW)
    except NormalizationError as error:
        return {"dead_letter": {"reason": error.reason, "fields": [wrong.field for wrong in error.fields]}}
    if isinstance(found, Noise):
        return {"noise": {"kind": found.kind, "channel": found.channel}}
    told: dict[str, Any] = {"events": [_told(normalized.event) for normalized in found]}
    blobs = [blob.ref for normalized in found for blob in normalized.blobs]
    return told | ({"blobs": blobs} if blobs else {})


def _told(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in told.items() if name not in _THE_SAME_FOR_ALL}
