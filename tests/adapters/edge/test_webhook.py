"""`POST /api/whatsapp/webhook` keeps whatever may be a webhook, byte for byte."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from streams.normalization import webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from tests.adapters.edge.recording import RecordingLog, header

PATH = "/api/whatsapp/webhook"
JSON = {"content-type": "application/json"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
ENVELOPE: dict[str, Any] = {
    "spec_version": "1.0",
    "event": "message",
    "session": {"id": "Canal Um", "name": "Canal Um"},
    "message": {
        "id": "false_5547999990001@c.us_3EB0AA01",
        "from": "5547999990001@c.us",
        "to": "554733330000@c.us",
        "text": "oi",
        "timestamp": 1768512935,
    },
    "event_id": "11111111-1111-4111-8111-111111111101",
    "correlation_id": "22222222-2222-4222-8222-222222222201",
}


async def test_a_webhook_is_kept_as_it_came_under_its_canonical_channel(
    gateway: httpx.AsyncClient, log: RecordingLog
) -> None:
    body = b' {"session": {"id": "Canal  Um"},\r\n "event":"message", "text":"Ol\\u00e1 \xc3\xa1"} '
    before = datetime.now(UTC)
    answer = await gateway.post(PATH, content=body, headers={"content-type": "application/json; charset=utf-8"})
    assert answer.status_code == 202
    entry = log.only
    assert (entry.topic, entry.key, entry.value) == ("raw.webhook", b"canalum", body)
    assert answer.json() == {
        "status": "accepted",
        "raw_id": header(entry, "raw_id"),
        "trace_id": header(entry, "trace_id"),
    }
    assert header(entry, "source") == PATH
    assert header(entry, "content-type") == "application/json; charset=utf-8"
    assert before <= datetime.fromisoformat(header(entry, "received_at") or "") <= datetime.now(UTC)


async def test_a_record_stays_within_its_topic_however_long_a_header_is(
    gateway: httpx.AsyncClient, log: RecordingLog
) -> None:
    headers = {"content-type": "application/json; x=" + "y" * 50_000, "traceparent": f"{TRACEPARENT}-{'z' * 50_000}"}
    assert (await gateway.post(PATH, content=b"{}", headers=headers)).status_code == 202
    assert sum(len(value) for _, value in log.only.headers) < 1000


async def test_each_webhook_gets_a_raw_id_of_its_own(gateway: httpx.AsyncClient, log: RecordingLog) -> None:
    answers = [await gateway.post(PATH, json=ENVELOPE) for _ in range(3)]
    assert len({answer.json()["raw_id"] for answer in answers}) == len(log.entries) == 3


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":"message.ack","messageId":"true_5547999990001@c.us_3EB0AA17","status":"delivered"}',
        b"[]",
        b'[{"event":"message"}]',
        b'{"text":"cut \\ud83d"}',
        b'{"text":"\xff not utf-8"}',
        b"[" * 20_000 + b"]" * 20_000,
    ],
    ids=["no channel", "empty array", "array", "half a character", "not UTF-8", "very deep"],
)
async def test_what_may_be_a_webhook_is_kept_though_it_may_not_be_understood(
    gateway: httpx.AsyncClient, log: RecordingLog, body: bytes
) -> None:
    answer = await gateway.post(PATH, content=body, headers=JSON)
    assert answer.status_code == 202
    assert (log.only.key, log.only.value) == (None, body)


async def test_a_large_webhook_is_kept_whole(gateway: httpx.AsyncClient, log: RecordingLog) -> None:
    body = json.dumps({**ENVELOPE, "text": "T2dnUw" * 1_000_000}).encode()
    answer = await gateway.post(PATH, content=body, headers=JSON)
    assert answer.json()["trace_id"] == ENVELOPE["correlation_id"]
    assert log.only.value == body


@pytest.mark.parametrize(
    "body",
    [b"", b"  \n", b"oi", b'{"event":', b'{"event":"message"} x', b'{"x":NaN}', b'{"x":"\\ud83d","y":NaN}', b"{'a':1}"],
)
async def test_what_is_no_json_is_refused_and_not_kept(
    gateway: httpx.AsyncClient, log: RecordingLog, body: bytes
) -> None:
    answer = await gateway.post(PATH, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:posto:problem:malformed")
    assert log.entries == []


@pytest.mark.parametrize("body", [b"null", b"5", b'"text"', b'"half \\ud83d"', b"true"])
async def test_json_that_is_neither_object_nor_array_is_refused(
    gateway: httpx.AsyncClient, log: RecordingLog, body: bytes
) -> None:
    answer = await gateway.post(PATH, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "The body is JSON, but neither an object nor an array.",
    )
    assert log.entries == []


async def test_a_syntax_error_is_located(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.post(PATH, content=b'{"event":oi}', headers=JSON)
    assert "(byte 9)" in answer.json()["detail"]


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_another_content_type_is_refused_by_name(
    gateway: httpx.AsyncClient, log: RecordingLog, media: str
) -> None:
    answer = await gateway.post(PATH, content=b"{}", headers={"content-type": media})
    assert answer.status_code == 415
    assert media in answer.json()["detail"]
    assert log.entries == []


@pytest.mark.parametrize("media", [None, "", "TEXT/JSON", "application/cloudevents+json; charset=utf-8"])
async def test_json_by_another_name_or_by_none_is_taken(
    gateway: httpx.AsyncClient, log: RecordingLog, media: str | None
) -> None:
    headers = {} if media is None else {"content-type": media}
    answer = await gateway.post(PATH, content=b"{}", headers=headers)
    assert answer.status_code == 202
    assert log.only.value == b"{}"


@pytest.mark.parametrize(
    ("headers", "correlation_id", "expected"),
    [
        ({"traceparent": TRACEPARENT, "X-Trace-Id": "run-7"}, "c-1", TRACE),
        ({"X-Trace-Id": "run-7"}, "c-1", "run-7"),
        ({}, "22222222-2222-4222-8222-222222222201", "22222222-2222-4222-8222-222222222201"),
        ({}, TRACE, TRACE),
        ({}, None, None),
        ({}, {"not": "text"}, None),
        ({}, "line\nbreak", None),
    ],
)
async def test_the_event_gets_the_trace_id_that_was_answered_the_callers_where_it_gave_one(
    gateway: httpx.AsyncClient, log: RecordingLog, headers: dict[str, str], correlation_id: object, expected: str | None
) -> None:
    answer = await gateway.post(PATH, json={**ENVELOPE, "correlation_id": correlation_id}, headers=headers)
    found = webhooks.normalize(log.only.value, RawRecord.of("raw.webhook", 0, 0, 1768512935000, log.only.headers))
    assert not isinstance(found, Noise)
    [(event, _)] = found
    assert event.trace_id == answer.json()["trace_id"]
    assert expected is None or event.trace_id == expected
