"""An event is read in every form in which it may be at hand."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from infra.event_files import EventFileError, moment, read_event
from schemas.events import AcceptedEvent, Kind
from tests.streams.samples import RECEIVED_AT, event

AT = datetime(2026, 1, 20, 12, tzinfo=UTC)
EVENT_IN = b'{"source_system": "erp", "event_type": "a.b", "external_id": 7, "payload": {"x": 1}}'
WEBHOOK = b'{"event": "message", "channel": "Canal Um", "from": "5547999990001", "body": "oi"}'


def test_what_a_producer_sends() -> None:
    read = read_event(EVENT_IN, AT)
    assert (read.event_type, read.idempotency_key, read.received_at) == ("a.b", "erp|7|a.b", AT)
    assert abs((read_event(EVENT_IN, None).received_at - datetime.now(UTC)).total_seconds()) < 60


def test_a_record_of_the_hubs_own_topics_keeps_its_time_unless_another_is_asked_for() -> None:
    normalized = msgspec.json.encode(event("a.b"))
    accepted = msgspec.json.encode(AcceptedEvent(**msgspec.structs.asdict(event("a.b")), kind=Kind.ACCEPTED))
    for record in (normalized, accepted):
        assert read_event(record, None) == event("a.b")
        assert read_event(record, AT).received_at == AT
    assert event("a.b").received_at == RECEIVED_AT


def test_a_webhook() -> None:
    read = read_event(WEBHOOK, AT)
    assert (read.event_type, read.channel) == ("whatsapp.inbound.message", "canalum")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "no value"),
        (b"[1]", "expected an object"),
        (b'{"source_system": "erp"}', "event_type: is required"),
        (b'{"event_id": "x", "fingerprint": 5}', r"missing required field|Expected `str`"),
        (json.dumps({"event": "onpresencechanged", "session": "canalum"}).encode(), r"noise \(presence\)"),
    ],
)
def test_what_is_no_event_is_said_in_a_sentence(value: bytes, reason: str) -> None:
    with pytest.raises(EventFileError, match=reason):
        read_event(value, AT)


def test_a_date_alone_is_its_noon() -> None:
    assert moment("2026-01-20") == AT
    assert moment("2026-01-20T09:30:00-03:00") == datetime(2026, 1, 20, 12, 30, tzinfo=UTC)
    with pytest.raises(EventFileError, match="--at: "):
        moment("tomorrow")
