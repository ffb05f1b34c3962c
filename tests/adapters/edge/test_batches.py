"""`POST /api/events` with many events: each has its own verdict."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from adapters.edge.log import LogUnavailableError
from streams import keys
from streams.normalization.events import MAX_BYTES
from tests.adapters.edge.recording import EVENT_SECRET, SETTINGS, RecordingLog, client, fields, header

PATH = "/api/events"
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}


def event(number: int, **more: Any) -> dict[str, Any]:
    return {"source_system": "erp", "event_type": "order.paid", "external_id": str(number), **more}


def lines(events: Sequence[object]) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in events)


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (json.dumps([event(1), event(2)]).encode(), JSON),
        (lines([event(1), event(2)]), NDJSON),
        (b"\r\n" + lines([event(1), event(2)]).replace(b"\n", b"\r\n\r\n") + b"\r\n", NDJSON),
        (b" \n\t[" + lines([event(1), event(2)]).replace(b"\n", b" , ") + b"]", JSON),
    ],
    ids=["array", "NDJSON", "NDJSON with empty lines", "array with white space"],
)
async def test_each_event_of_a_batch_becomes_a_record_of_its_own_bytes(
    producer: httpx.AsyncClient, log: RecordingLog, content: bytes, headers: dict[str, str]
) -> None:
    answer = await producer.post(PATH, content=content, headers=headers)
    assert answer.status_code == 202
    assert [entry.value for entry in log.entries] == [json.dumps(event(n)).encode() for n in (1, 2)]
    assert answer.json() == {
        "accepted": 2,
        "rejected": 0,
        "results": [
            {
                "index": index,
                "event_id": keys.event_id(key),
                "trace_id": header(entry, "trace_id"),
                "idempotency_key": key,
                "status": "accepted",
            }
            for index, (entry, key) in enumerate(
                zip(log.entries, ("erp|1|order.paid", "erp|2|order.paid"), strict=True)
            )
        ],
    }
    assert len({header(entry, "raw_id") for entry in log.entries}) == 2


async def test_good_items_go_through_though_others_are_bad(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    batch = [event(1), {"event_type": "order.paid", "payload": 5}, event(3), "text", event(5, pad="x" * MAX_BYTES)]
    answer = await producer.post(PATH, json=batch)
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (2, 3)
    assert [(result["index"], result["status"]) for result in body["results"]] == [
        (0, "accepted"),
        (1, "rejected"),
        (2, "accepted"),
        (3, "rejected"),
        (4, "rejected"),
    ]
    assert [json.loads(entry.value)["external_id"] for entry in log.entries] == ["1", "3"]
    problems = [body["results"][index]["problem"] for index in (1, 3, 4)]
    assert [problem["status"] for problem in problems] == [422, 422, 413]
    assert {error["field"] for error in problems[0]["errors"]} == {"source_system", "payload"}
    assert problems[2]["limit"] == MAX_BYTES


async def test_a_broken_line_of_ndjson_spoils_only_itself(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    content = lines([event(1)]) + b'\n{"source_system":\n' + lines([event(3)])
    body = (await producer.post(PATH, content=content, headers=NDJSON)).json()
    assert (body["accepted"], body["rejected"]) == (2, 1)
    assert body["results"][1]["problem"]["type"] == "urn:posto:problem:malformed"
    assert len(log.entries) == 2


async def test_a_broken_array_is_refused_whole(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    answer = await producer.post(PATH, content=b"[" + lines([event(1)]) + b",]", headers=JSON)
    assert answer.status_code == 400
    assert log.entries == []


async def test_a_batch_without_a_good_item_is_refused_with_all_that_is_wrong(
    producer: httpx.AsyncClient, log: RecordingLog
) -> None:
    answer = await producer.post(PATH, json=[{"source_system": "erp"}, 5])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(fields(answer)) == {"[0].event_type"}
    body = answer.json()
    assert (body["accepted"], body["rejected"], len(body["results"])) == (0, 2, 2)
    assert log.entries == []


@pytest.mark.parametrize(("content", "headers"), [(b"[]", JSON), (b"", NDJSON), (b"\n\n", NDJSON)])
async def test_an_empty_batch_is_refused(producer: httpx.AsyncClient, content: bytes, headers: dict[str, str]) -> None:
    answer = await producer.post(PATH, content=content, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (422, "The batch is empty.")


async def test_a_batch_of_too_many_items_is_refused_with_the_limit(log: RecordingLog) -> None:
    async with client(log, {"X-Event-Secret": EVENT_SECRET}, replace(SETTINGS, max_batch_items=3)) as producer:
        assert (await producer.post(PATH, json=[event(n) for n in range(3)])).status_code == 202
        answer = await producer.post(PATH, json=[event(n) for n in range(4)])
    assert (answer.status_code, answer.json()["limit"]) == (413, 3)
    assert len(log.entries) == 3


async def test_a_large_batch_keeps_its_order(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    batch = [event(number, payload={"text": "x" * 50}) for number in range(10_000)]
    answer = await producer.post(PATH, content=lines(batch), headers=NDJSON)
    assert answer.json()["accepted"] == 10_000
    assert [json.loads(entry.value)["external_id"] for entry in log.entries] == [str(n) for n in range(10_000)]


async def test_a_key_in_the_header_cannot_name_a_batch(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    answer = await producer.post(PATH, json=[event(1)], headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, set(fields(answer))) == (422, {"Idempotency-Key"})
    assert log.entries == []


async def test_items_with_one_key_get_one_event_id(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    results = (await producer.post(PATH, json=[event(1), event(1)])).json()["results"]
    assert results[0]["event_id"] == results[1]["event_id"]
    assert len(log.entries) == 2


async def test_a_batch_shares_the_trace_of_its_request_unless_an_item_has_its_own(producer: httpx.AsyncClient) -> None:
    batch = [event(1), event(2, trace_id="own"), event(3)]
    body = (await producer.post(PATH, json=batch, headers={"X-Trace-Id": "run-7"})).json()
    assert [result["trace_id"] for result in body["results"]] == ["run-7", "own", "run-7"]


async def test_a_batch_that_kafka_did_not_confirm_is_not_accepted(
    producer: httpx.AsyncClient, log: RecordingLog
) -> None:
    log.error = LogUnavailableError("Kafka did not confirm within 5 s.")
    assert (await producer.post(PATH, json=[event(1), {}])).status_code == 503
