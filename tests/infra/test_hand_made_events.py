"""`posto send`: an event is put together of file and options, and checked as the edge checks it before it leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.hand_made_events import WrongEventError, door, put_together, read
from infra.settings import load
from streams.normalization import events
from streams.normalization.raw import RawRecord
from tests.streams.normalization.test_events import INVOICE

RAW = RawRecord.of("raw.event", 0, 0, 0, [])


def test_what_is_given_replaces_what_the_file_says_and_the_rest_stays() -> None:
    submission = put_together(INVOICE, {"occurrence": "again", "channel": None}, {"amount": 5, "text": None})
    sent = json.loads(submission.entry.value)
    assert sent == INVOICE | {"occurrence": "again", "payload": INVOICE["payload"] | {"amount": 5}}


def test_its_ids_are_those_that_the_hub_gives_it() -> None:
    submission = put_together({}, {"source_system": "erp", "event_type": "a.b"}, {"text": "olá"})
    event = events.normalize(submission.entry.value, RAW)
    assert (event.event_id, event.idempotency_key) == (submission.event_id, submission.idempotency_key)
    assert dict(submission.entry.headers)["trace_id"].decode() == submission.trace_id


@pytest.mark.parametrize(
    ("event", "payload", "said"),
    [
        ({"event_type": "two words"}, {}, "source_system: is required; event_type: expected words with dots"),
        (INVOICE | {"payload": [1]}, {"text": "oi"}, "payload: expected object"),
        (INVOICE | {"payload": {"x": "y" * 900_000}}, {}, "One event may have 900000 bytes"),
    ],
)
def test_what_the_edge_would_refuse_does_not_leave(event: dict[str, Any], payload: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongEventError, match=said):
        put_together(event, {}, payload)


@pytest.mark.parametrize(
    ("content", "said"), [(b"[1]", "expected an object"), (b"{", "not JSON"), (None, "No such file")]
)
def test_a_file_that_holds_no_event_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongEventError, match=rf"event\.json .*{said}"):
        read(str(path))


def test_an_event_goes_one_way_only() -> None:
    with pytest.raises(WrongEventError, match="two ways"):
        door(load(_env_file=None), edge="http://127.0.0.1:1", kafka=True)
