"""What stands around a raw record, and the cheap look at its channel."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.normalization.raw import RawRecord, cheap_channel

RECORD_TIME_MS = 1768512935123
TRACE = "0af7651916cd43dd8448eb211c80319c"


def record(**headers: bytes) -> RawRecord:
    named = [(name.replace("_type", "-type"), value) for name, value in headers.items()]
    return RawRecord.of("raw.webhook", 3, 42, RECORD_TIME_MS, named)


def test_the_records_own_time_is_utc() -> None:
    assert record().timestamp == datetime(2026, 1, 15, 21, 35, 35, 123000, tzinfo=UTC)


def test_received_at_is_the_edges_time_else_the_records() -> None:
    edge_time = record(received_at=b"2026-01-15T21:35:34.500+00:00").received_at
    assert edge_time == record().timestamp - timedelta(milliseconds=623)
    assert record().received_at == record().timestamp


@pytest.mark.parametrize("header", [b"", b"yesterday", b"\xff", b"1970-01-01T00:00:00Z", b"2" * 1000])
def test_a_received_at_that_is_none_counts_as_absent(header: bytes) -> None:
    assert record(received_at=header).received_at == record().timestamp


def test_the_raw_id_is_the_edges_else_the_coordinates() -> None:
    assert record(raw_id=b"R-1").raw_id == "R-1"
    assert record().raw_id == "raw.webhook/3@42"


def test_the_trace_is_that_of_traceparent_then_of_trace_id() -> None:
    traceparent = f"00-{TRACE}-b7ad6b7169203331-01".encode()
    assert record(traceparent=traceparent, trace_id=b"mine").trace_id == TRACE
    assert record(trace_id=b"mine").trace_id == "mine"


@pytest.mark.parametrize(
    "traceparent", [b"", b"00-zz-b7ad6b7169203331-01", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"]
)
def test_a_broken_traceparent_counts_as_absent(traceparent: bytes) -> None:
    assert record(traceparent=traceparent).caller_trace_id is None


def test_without_a_trace_one_follows_from_the_coordinates() -> None:
    assert record().trace_id == record().trace_id
    assert record().trace_id != RawRecord.of("raw.webhook", 3, 43, RECORD_TIME_MS).trace_id
    assert len(record().trace_id) == 32


@given(st.dictionaries(st.sampled_from(["raw_id", "received_at", "trace_id", "traceparent"]), st.binary()))
def test_no_header_is_a_surprise(headers: dict[str, bytes]) -> None:
    raw = record(**headers)
    assert raw.raw_id.isprintable()
    assert raw.trace_id.isprintable()
    assert raw.received_at.tzinfo is UTC


@pytest.mark.parametrize(
    "body",
    [
        '{"spec_version":"1.0","event":"message","session":{"id":"Canal Um","name":"Canal Um"},"message":{}}',
        '{"event":"message","session":{"name":"x","session":"Canal Um"}}',
        '{"event" : "message", "sessionId" : "Canal Um"}',
        '{"event":"onmessage","session":"Canal Um","body":"oi"}',
        '{"event":"message","channel":"CANALUM","from":"5547999990001"}',
        '{"event":"message","channelId":"canalum"}',
        '{"event":"message","metadata":{"channel_id":"canalum"}}',
        '{"event":"message","channel":"Cana\\u006c Um"}',
    ],
)
def test_the_channel_is_found_at_a_glance(body: str) -> None:
    assert cheap_channel(body.encode()) == "canalum"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b'{"event":"message.ack","messageId":"3EB0AA17","status":"delivered"}',
        b'{"event":"message","body":"he wrote \\"channel\\":\\"canalum\\" to me"}',
        b'{"event":"message","channel":"\\ud800"}',
        b'{"event":"message","channel":"\xff"}',
        b'{"event":"message","channel":"  "}',
        b'{"body":"' + b"x" * 5000 + b'","channel":"canalum"}',
    ],
)
def test_where_no_channel_is_near_there_is_none(body: bytes) -> None:
    assert cheap_channel(body) is None


@given(st.binary())
def test_a_glance_at_anything_is_harmless(body: bytes) -> None:
    assert isinstance(cheap_channel(b'{"session":"' + body), str | None)
