"""Bad input gets a clear answer, and what Kafka brings that cannot be read loses nothing and holds nothing up."""

from typing import Any

import msgspec
import pytest

from streams import topics
from tests.e2e.hub import Hub, invoice, number, unique
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 401), ({"Authorization": "Bearer wrong"}, 403), ({"X-Event-Secret": "wrong"}, 403)]
)
async def test_without_the_right_secret_nothing_is_stored(hub: Hub, headers: dict[str, str], status: int) -> None:
    event = invoice(number())

    answer = await hub.http.post(f"{hub.stack.edge}/api/events", json=event, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    sent = event["external_id"].encode()
    assert await hub.records(topics.RAW_EVENT, lambda record: sent in (record.value or b"")) == []


async def test_the_webhook_without_the_right_secret_stores_nothing(hub: Hub) -> None:
    body = {"event": "message", "channel": "canalum", "from": number(), "body": unique("nada")}
    url = f"{hub.stack.edge}/api/whatsapp/webhook"

    missing = await hub.http.post(url, json=body)
    wrong = await hub.http.post(url, json=body, headers={"X-Gateway-Secret": "wrong"})

    assert (missing.status_code, wrong.status_code) == (401, 403)
    assert await hub.records(topics.RAW_WEBHOOK, lambda record: body["body"].encode() in (record.value or b"")) == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, ""),
        (b'"text"', 422, ""),
        ({"event_type": "a.b", "payload": {}}, 422, "source_system"),
        ({"source_system": "erp", "payload": {}}, 422, "event_type"),
        ({"source_system": "erp", "event_type": "a.b", "payload": []}, 422, "payload"),
        ({"source_system": 5, "event_type": "a.b"}, 422, "source_system"),
    ],
)
async def test_a_bad_event_is_answered_with_the_field_that_is_wrong(
    hub: Hub, body: Any, status: int, field: str
) -> None:
    answer = await hub.post(body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if field:
        assert field in {error["field"] for error in answer.json()["errors"]}


async def test_unknown_fields_of_the_envelope_are_kept_in_the_metadata(hub: Hub) -> None:
    accepted = (await hub.post(invoice(number(), event_type="erp.nothing", urgency="high"))).json()

    row = await hub.event(accepted["event_id"], "no_rule")

    assert msgspec.json.decode(row["metadata"])["urgency"] == "high"


async def test_too_large_and_of_a_wrong_type_are_named_as_such(hub: Hub) -> None:
    large = await hub.post(b'{"x":"' + b"a" * 17_000_000 + b'"}')
    typed = await hub.post(b"<event/>", headers={"Content-Type": "application/xml"})

    assert (large.status_code, typed.status_code) == (413, 415)


async def test_the_good_items_of_a_batch_go_through_and_the_bad_ones_are_named(hub: Hub) -> None:
    good = [invoice(number(), event_type="erp.nothing") for _ in range(2)]

    answer = await hub.post([good[0], {"source_system": "erp"}, good[1]])
    lines = await hub.post(
        b"\n".join(msgspec.json.encode(item) for item in (good[0], good[1])) + b"\nnot json\n",
        headers={"Content-Type": "application/x-ndjson"},
    )

    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["accepted", "rejected", "accepted"]
    assert results[1]["problem"]["errors"][0]["field"] == "event_type"
    assert [result["status"] for result in lines.json()["results"]] == ["accepted", "accepted", "rejected"]
    for result in (results[0], results[2]):
        await hub.event(result["event_id"], "no_rule")


@pytest.mark.parametrize("topic", [topics.RAW_EVENT, topics.RAW_WEBHOOK])
@pytest.mark.parametrize(
    "value",
    [b"\xff\xfe\x00garbage", None, b"[" * 200_000, b'{"payload":' * 5_000, b"nonsense", b"\xc3\x28"],
    ids=["garbage", "null", "deep", "deeper", "text", "not-utf8"],
)
async def test_a_record_that_cannot_be_read_is_a_dead_letter_and_the_next_one_flows(
    hub: Hub, topic: str, value: bytes | None
) -> None:
    place = await hub.producer.send_and_wait(topic, value, key=b"bad", partition=0)
    follower = invoice(number(), event_type="erp.nothing")
    await hub.producer.send_and_wait(topics.RAW_EVENT, msgspec.json.encode(follower), partition=0)

    row = await hub.row(
        "SELECT * FROM dead_letters WHERE source_topic = %s AND source_partition = 0 AND source_offset = %s",
        topic,
        place.offset,
    )

    assert (row["stage"], row["error_class"]) == ("normalizer", "NormalizationError")
    assert row["error_message"]
    [letter] = await hub.records(
        topics.DEAD_LETTER,
        lambda record: (
            dict(record.headers).get("source_offset") == b"%d" % place.offset
            and dict(record.headers).get("source_topic") == topic.encode()
            and dict(record.headers).get("source_partition") == b"0"
        ),
    )
    assert letter.value == value
    await hub.row(
        "SELECT * FROM communication_events WHERE external_id = %s OR idempotency_key LIKE %s",
        follower["external_id"],
        f"%{follower['external_id']}%",
    )


async def test_five_megabytes_of_nonsense_are_a_dead_letter_with_their_bytes(hub: Hub) -> None:
    value = b"x" * 5_000_000
    place = await hub.producer.send_and_wait(topics.RAW_WEBHOOK, value, key=b"big", partition=1)

    async def found() -> list[Any]:
        return await hub.records(
            topics.DEAD_LETTER,
            lambda record: (
                dict(record.headers).get("source_offset") == b"%d" % place.offset
                and len(record.value or b"") == len(value)
            ),
        )

    [letter] = await eventually(found, 30)
    assert letter.value == value
