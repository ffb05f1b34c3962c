"""`POST /api/events`, one event at a time."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from streams import keys
from streams.normalization.events import MAX_BYTES
from tests.adapters.edge.recording import RecordingLog, fields, header

PATH = "/api/events"
JSON = {"content-type": "application/json"}
INVOICE: dict[str, Any] = {
    "source_system": "erp",
    "event_type": "billing.invoice.overdue",
    "external_id": "INV-1001",
    "payload": {"to": "5547999990001", "amount": 199.9},
}
KEY = "erp|INV-1001|billing.invoice.overdue"


async def test_an_event_is_kept_as_it_came_and_its_future_ids_are_answered(
    producer: httpx.AsyncClient, log: RecordingLog
) -> None:
    body = json.dumps(INVOICE, indent=2).encode() + b"\n"
    before = datetime.now(UTC)
    answer = await producer.post(PATH, content=body, headers=JSON)
    assert answer.status_code == 202
    entry = log.only
    assert (entry.topic, entry.key, entry.value) == ("raw.event", KEY.encode(), body)
    assert answer.json() == {
        "event_id": keys.event_id(KEY),
        "trace_id": header(entry, "trace_id"),
        "idempotency_key": KEY,
        "status": "accepted",
    }
    assert len(header(entry, "raw_id") or "") == 32
    assert header(entry, "source") == PATH
    assert header(entry, "content-type") == "application/json"
    assert before <= datetime.fromisoformat(header(entry, "received_at") or "") <= datetime.now(UTC)


async def test_a_retry_gets_the_same_event_id(producer: httpx.AsyncClient) -> None:
    first = await producer.post(PATH, json=INVOICE)
    again = await producer.post(PATH, json=dict(reversed(INVOICE.items())))
    assert first.json()["event_id"] == again.json()["event_id"]


async def test_the_ordering_key_chooses_the_record_key(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    await producer.post(PATH, json={**INVOICE, "ordering_key": "customer-7"})
    assert log.only.key == b"customer-7"


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
    [
        ({}, 422, {"source_system", "event_type"}),
        ({"source_system": "erp", "event_type": "whatsapp.delivery.ack"}, 422, {"event_type"}),
        ({"source_system": "erp"}, 422, {"event_type"}),
        (
            {**INVOICE, "source_system": 5, "payload": [], "tenant_id": "x"},
            422,
            {"source_system", "payload", "tenant_id"},
        ),
        ({**INVOICE, "occurred_at": "yesterday"}, 422, {"occurred_at"}),
        ({**INVOICE, "event_type": "billing..overdue"}, 422, {"event_type"}),
        ({**INVOICE, "metadata": "x"}, 422, {"metadata"}),
    ],
)
async def test_every_wrong_field_is_named(
    producer: httpx.AsyncClient, log: RecordingLog, body: dict[str, Any], status: int, wrong: set[str]
) -> None:
    answer = await producer.post(PATH, json=body)
    assert answer.status_code == status
    assert set(fields(answer)) == wrong
    assert all(fields(answer).values())
    assert log.entries == []


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "no value"),
        (b'{"source_system":', 400, "not JSON"),
        (b'{"source_system": erp}', 400, "byte 18"),
        (b'{"source_system":"erp","event_type":"a.b","payload":{"x":NaN}}', 400, "not JSON"),
        (b'{"source_system":"erp","event_type":"a.b","payload":{"x":Infinity}}', 400, "not JSON"),
        (b'{"source_system":"\xff"}', 400, "not UTF-8"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "too deeply"),
        (b'"text"', 422, "expected an object"),
        (b"5", 422, "expected an object"),
        (b"null", 422, "expected an object"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_reason(
    producer: httpx.AsyncClient, log: RecordingLog, body: bytes, status: int, detail: str
) -> None:
    answer = await producer.post(PATH, content=body, headers=JSON)
    assert answer.status_code == status
    assert detail.lower() in answer.json()["detail"].lower()
    assert log.entries == []


async def test_a_payload_that_is_nested_too_deeply_is_named(producer: httpx.AsyncClient) -> None:
    payload: dict[str, Any] = {}
    for _ in range(30):
        payload = {"a": payload}
    answer = await producer.post(PATH, json={**INVOICE, "payload": payload})
    assert (answer.status_code, set(fields(answer))) == (422, {"payload"})


async def test_unknown_fields_of_the_envelope_are_kept(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    answer = await producer.post(PATH, json={**INVOICE, "shop": {"id": 7}})
    assert answer.status_code == 202
    assert json.loads(log.only.value)["shop"] == {"id": 7}


async def test_a_repeated_name_in_the_body_means_its_last_value(producer: httpx.AsyncClient) -> None:
    body = b'{"source_system":"crm","source_system":"erp","event_type":"a.b","external_id":"1"}'
    answer = await producer.post(PATH, content=body, headers=JSON)
    assert answer.json()["idempotency_key"] == "erp|1|a.b"


async def test_an_event_above_the_size_of_a_record_is_refused_with_the_limit(
    producer: httpx.AsyncClient, log: RecordingLog
) -> None:
    room = MAX_BYTES - len(json.dumps({**INVOICE, "payload": {"x": ""}}, separators=(",", ":")))
    fitting = json.dumps({**INVOICE, "payload": {"x": "x" * room}}, separators=(",", ":")).encode()
    assert (await producer.post(PATH, content=fitting, headers=JSON)).status_code == 202
    answer = await producer.post(PATH, content=fitting + b" ", headers=JSON)
    assert (answer.status_code, answer.json()["limit"]) == (413, MAX_BYTES)
    assert log.only.value == fitting


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_another_content_type_is_refused(producer: httpx.AsyncClient, log: RecordingLog, media: str) -> None:
    answer = await producer.post(PATH, content=json.dumps(INVOICE), headers={"content-type": media})
    assert answer.status_code == 415
    assert "application/x-ndjson" in answer.json()["detail"]
    assert log.entries == []


@pytest.mark.parametrize(
    ("headers", "trace_id", "expected"),
    [
        (
            {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            None,
            "0af7651916cd43dd8448eb211c80319c",
        ),
        ({"X-Trace-Id": "run-7"}, None, "run-7"),
        ({"X-Trace-Id": "run-7"}, "run-8", "run-8"),
        ({}, " run 8 ", " run 8 "),
    ],
)
async def test_the_callers_trace_id_is_kept_the_one_in_the_body_first(
    producer: httpx.AsyncClient, log: RecordingLog, headers: dict[str, str], trace_id: str | None, expected: str
) -> None:
    answer = await producer.post(PATH, json={**INVOICE, "trace_id": trace_id}, headers=headers)
    assert answer.json()["trace_id"] == expected
    assert header(log.only, "trace_id") == expected


async def test_a_traceparent_is_passed_on(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await producer.post(PATH, json=INVOICE, headers={"traceparent": traceparent})
    assert header(log.only, "traceparent") == traceparent


async def test_a_key_in_the_header_goes_into_the_record_and_leaves_the_rest_as_it_was(
    producer: httpx.AsyncClient, log: RecordingLog
) -> None:
    body = b'{"source_system": "erp", "event_type": "a.b", "payload": {"x": 1.10, "y": 12345678901234567890123}}'
    answer = await producer.post(PATH, content=body, headers={**JSON, "Idempotency-Key": "my key|1"})
    assert answer.json()["idempotency_key"] == "erp|key:my key%7C1"
    assert b'"payload":{"x": 1.10, "y": 12345678901234567890123}' in log.only.value
    assert json.loads(log.only.value) == {**json.loads(body), "idempotency_key": "my key|1"}


@pytest.mark.parametrize("inside", [None, "", "k-1"])
@pytest.mark.parametrize("outside", ["k-1", '"k-1"', " k-1 "])
async def test_header_and_body_may_agree_on_a_key(
    producer: httpx.AsyncClient, inside: str | None, outside: str
) -> None:
    answer = await producer.post(
        PATH, json={**INVOICE, "idempotency_key": inside}, headers={"Idempotency-Key": outside}
    )
    assert answer.json()["idempotency_key"] == "erp|key:k-1"


async def test_a_body_that_has_its_key_is_kept_as_it_came(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    body = json.dumps({**INVOICE, "idempotency_key": "k-1"}, indent=1).encode()
    await producer.post(PATH, content=body, headers={**JSON, "Idempotency-Key": "k-1"})
    assert log.only.value == body


@pytest.mark.parametrize("inside", ["k-2", 5, 0, False, []])
async def test_header_and_body_must_not_disagree_on_the_key(
    producer: httpx.AsyncClient, log: RecordingLog, inside: object
) -> None:
    answer = await producer.post(PATH, json={**INVOICE, "idempotency_key": inside}, headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, set(fields(answer))) == (422, {"idempotency_key"})
    assert log.entries == []


@pytest.mark.parametrize("key", [b"", b'""', b"\xff", b"x" * 600, b"  "])
async def test_an_unusable_key_in_the_header_is_refused(
    producer: httpx.AsyncClient, log: RecordingLog, key: bytes
) -> None:
    answer = await producer.post(PATH, json=INVOICE, headers=[(b"Idempotency-Key", key)])
    assert answer.status_code == 422
    assert len(fields(answer)) == 1
    assert log.entries == []
