"""Every known kind of webhook, as a stored body with what becomes of it (`tests/data/webhooks`)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.events import Event
from streams import keys
from streams.normalization import webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord

GOLDEN = sorted((Path(__file__).parents[2] / "data" / "webhooks").glob("*.json"))
HEADERS = [
    ("raw_id", b"R-1"),
    ("received_at", b"2026-01-15T21:35:36+00:00"),
    ("trace_id", b"0af7651916cd43dd8448eb211c80319c"),
]
RAW = RawRecord.of("raw.webhook", 3, 42, 1768512936999, HEADERS)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_stored_body_becomes_what_it_should(path: Path) -> None:
    stored = json.loads(path.read_text())
    found = webhooks.normalize(json.dumps(stored["body"]).encode(), RAW)
    if isinstance(found, Noise):
        assert {"kind": found.kind, "channel": found.channel} == stored.get("noise")
    else:
        assert [_told(event) for event, _ in found] == stored.get("events")
        for event, _ in found:
            _assert_common(event)


def test_the_stored_bodies_are_there() -> None:
    kinds = {path.stem.partition("_")[0] for path in GOLDEN}
    assert kinds >= {f"e{number:02}" for number in range(1, 25)}


def _told(event: Event) -> dict[str, Any]:
    """What a golden file says about an event; the rest is the same for all."""
    told: dict[str, Any] = msgspec.to_builtins(event)
    for name in ("event_id", "stream_key", "source_system", "received_at", "raw", "trace_id"):
        del told[name]
    return told


def _assert_common(event: Event) -> None:
    assert event.event_id == keys.event_id(event.idempotency_key)
    assert event.stream_key == (event.channel or event.idempotency_key)
    assert event.source_system == "wpp_gateway"
    assert event.received_at.isoformat() == "2026-01-15T21:35:36+00:00"
    assert event.raw == RAW.coordinates
    assert event.trace_id == "0af7651916cd43dd8448eb211c80319c"
