"""Every request is counted under its route; what failed is logged, without anything that a caller wrote."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message
from structlog.testing import capture_logs

from adapters.edge.app import build_app
from adapters.edge.log import LogUnavailableError
from tests.adapters.edge.recording import EVENT_SECRET, SETTINGS, RecordingLog

EVENT = {"source_system": "erp", "event_type": "order.paid", "payload": {"to": "5547999990001"}}


async def metrics(of: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Samples by name and label values."""
    text = (await of.get("/metrics")).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_requests_are_counted_by_route_and_status(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    await producer.post("/api/events", json=EVENT)
    await producer.post("/api/events", json=EVENT)
    await producer.post("/api/events", json=[EVENT, {}])
    await producer.post("/api/events", json={})
    await producer.get("/api/events")
    await producer.get("/5547999990001")
    found = await metrics(producer)
    assert found["posto_edge_requests_total", "/api/events", "202"] == 3
    assert found["posto_edge_requests_total", "/api/events", "422"] == 1
    assert found["posto_edge_requests_total", "/api/events", "405"] == 1
    assert found["posto_edge_requests_total", "none", "404"] == 1
    assert found["posto_edge_request_seconds_count", "/api/events"] == 5
    assert found["posto_edge_events_total", "accepted"] == 3
    assert found["posto_edge_events_total", "rejected"] == 1
    assert found[("posto_edge_body_bytes_total",)] > 100


async def test_what_waits_for_kafka_is_shown(stranger: httpx.AsyncClient, log: RecordingLog) -> None:
    log.backlog_bytes, log.backlog_entries = 4096, 7
    found = await metrics(stranger)
    assert found[("posto_edge_backlog_bytes",)] == 4096
    assert found[("posto_edge_backlog_entries",)] == 7


async def test_no_metric_or_log_line_holds_a_phone_a_secret_or_a_body(
    producer: httpx.AsyncClient, stranger: httpx.AsyncClient, log: RecordingLog
) -> None:
    with capture_logs() as lines:
        await producer.post("/api/events?phone=5547999990001", json={**EVENT, "event_type": 5})
        await producer.get("/5547999990001")
        await stranger.post("/api/events", json=EVENT, headers={"X-Event-Secret": "5547999990001"})
        text = (await producer.get("/metrics")).text
    assert len(lines) == 3
    assert "5547999990001" not in f"{lines}{text}"
    assert EVENT_SECRET not in f"{lines}{text}"


async def test_a_failure_is_logged_with_its_route_and_trace(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    log.error = LogUnavailableError("away")
    with capture_logs() as lines:
        answer = await producer.post("/api/events", json={**EVENT, "trace_id": "run-7"})
    assert answer.json()["trace_id"] == "run-7"
    [line] = lines
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "request_failed",
        "log_level": "warning",
        "method": "POST",
        "route": "/api/events",
        "status": 503,
        "trace_id": "run-7",
    }


async def test_what_went_well_is_not_logged(producer: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await producer.post("/api/events", json=EVENT)
        await producer.get("/healthz")
    assert lines == []


async def test_an_exception_is_a_500_that_says_nothing_and_counts(
    producer: httpx.AsyncClient, log: RecordingLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise RuntimeError("dsn mysql://user:password@db")

    monkeypatch.setattr(log, "append", fail)
    answer = await producer.post("/api/events", json=EVENT)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:posto:problem:internal"
    assert "mysql" not in answer.text
    assert (await metrics(producer))["posto_edge_requests_total", "/api/events", "500"] == 1


async def test_a_client_that_goes_away_leaves_nothing_and_is_no_error(log: RecordingLog) -> None:
    app = build_app(SETTINGS, log)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/events",
        "headers": [(b"x-event-secret", EVENT_SECRET.encode())],
    }
    await app(scope, receive, send)
    assert (sent, log.entries) == ([], [])
