"""The normalizer on batches: events re-keyed, noise stopped, what cannot be read put aside."""

import asyncio
import base64
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from agents.normalizer import OUTPUTS, build
from streams import keys, topics
from streams.normalization.blobs import Blob
from streams.runtime import Batch, Out
from tests.agents.consumed import Consumed

PARTITIONS = dict.fromkeys((*OUTPUTS, topics.DEAD_LETTER), 8)
EVENT = {"source_system": "billing", "event_type": "billing.invoice.overdue", "external_id": "INV-1"}
PRESENCE = {"event": "connection.update", "raw": {"payload": {"event": "onpresencechanged", "session": "Canal Um"}}}
MESSAGE = {
    "event": "message",
    "session": {"id": "Canal Um"},
    "message": {"id": "false_5547999990001@c.us_3EB0AA01", "from": "5547999990001@c.us", "text": "oi"},
}


def raw(body: object, topic: str = topics.RAW_EVENT, **fields: object) -> Consumed:
    value = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
    return Consumed(value, topic, **fields)  # type: ignore[arg-type]


class Shelf:
    """An object store in memory; `most` is how many puts were under way at once."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.kept: dict[str, bytes] = {}
        self.puts = self.most = self._running = 0
        self._refuses = refuses

    async def put(self, blob: Blob) -> None:
        self._running += 1
        self.most = max(self.most, self._running)
        for _ in range(3):
            await asyncio.sleep(0)
        self._running -= 1
        self.puts += 1
        if self._refuses:
            raise self._refuses
        self.kept[blob.ref] = blob.data

    async def get(self, ref: str) -> bytes:
        return self.kept[ref]

    async def exists(self, ref: str) -> bool:
        return ref in self.kept


def voice(number: int, data: bytes) -> dict[str, Any]:
    """A voice note whose bytes came inside of its text."""
    message = {"id": f"false_5547999990001@c.us_3EB0AA{number:02}", "text": base64.b64encode(data).decode()}
    payload = {"type": "ptt", "from": "5547999990001@c.us"}
    return {"event": "message", "session": {"id": "Canal Um"}, "message": message, "raw": {"payload": payload}}


async def normalized(*records: Consumed, store: Shelf | None = None) -> dict[str, list[Out]]:
    batch = Batch("normalizer", records, PARTITIONS, None)
    await build(store or Shelf())(batch)
    out: dict[str, list[Out]] = {}
    for (topic, _), written in batch.outputs.items():
        out.setdefault(topic, []).extend(written)
    return out


async def test_equal_events_under_other_record_keys_meet_under_one_key() -> None:
    out = await normalized(raw(EVENT, key=b"a"), raw(EVENT, key=b"b", offset=1), raw(EVENT, key=None, offset=2))

    assert {event.key for event in out[topics.EVENT_NORMALIZED]} == {b"billing|INV-1|billing.invoice.overdue"}


def item(message_id: str) -> dict[str, Any]:
    """One of several messages in a body."""
    said = {"id": message_id, "from_me": False, "type": "text", "chat_id": "5547999990001@s.whatsapp.net"}
    return said | {"timestamp": 1768512935, "text": {"body": "oi"}}


async def test_what_is_wrong_in_one_of_several_things_that_a_body_says_stops_no_other() -> None:
    messages = [item("3EB0AA01"), item("|" * 255), item("3EB0AA02")]
    body = {"event": {"type": "messages", "event": "post"}, "channel_id": "canalum", "messages": messages}

    out = await normalized(raw(body, topics.RAW_WEBHOOK))

    made = [msgspec.json.decode(event.value or b"")["external_id"] for event in out[topics.EVENT_NORMALIZED]]
    assert made == ["3EB0AA01", "3EB0AA02"]
    [letter] = out[topics.DEAD_LETTER]
    assert letter.value == msgspec.json.encode(body)


async def test_a_redriven_record_makes_the_same_event_as_the_first_one_and_says_what_it_is() -> None:
    body = {"event": "message", "channel": "Canal Um", "text": "oi"}  # neither id nor time: the raw id is its key
    redrive = [("origin", b"raw.webhook/0@3"), ("redrive", b"normalizer:raw.webhook/0@3#1")]
    told = [("received_at", b"2026-01-15T21:35:35+00:00")]
    first, again = [
        (await normalized(raw(body, topics.RAW_WEBHOOK, **fields)))[topics.EVENT_NORMALIZED][0]
        for fields in (
            {"offset": 3},
            {"offset": 57, "timestamp": 1_800_000_000_000, "headers": [*redrive, *told]},
        )
    ]

    assert (again.key, again.value) == (first.key, first.value)
    assert set(again.headers) - set(first.headers) == set(redrive)


@pytest.mark.parametrize(
    "claims",
    [
        {"origin": b"raw.event/0@3"},
        {"redrive": b"normalizer:raw.event/0@3#1"},
        {"origin": b"raw.event/1@3", "redrive": b"normalizer:raw.event/1@3#1"},
        {"origin": b"raw.event/0@57", "redrive": b"normalizer:raw.event/0@57#1"},
        {"origin": b"\xff", "redrive": b"\xff"},
    ],
)
async def test_a_producer_cannot_claim_that_its_record_was_redriven(claims: dict[str, bytes]) -> None:
    [plain], [claimed] = [
        (await normalized(raw(EVENT, offset=57, headers=headers)))[topics.EVENT_NORMALIZED]
        for headers in ([], list(claims.items()))
    ]

    assert claimed == plain


async def test_a_message_goes_under_its_canonical_channel() -> None:
    out = await normalized(raw(MESSAGE, topics.RAW_WEBHOOK))

    [event] = out[topics.EVENT_NORMALIZED]
    assert event.key == b"canalum"
    said = msgspec.json.decode(event.value or b"")
    assert said["event_type"] == "whatsapp.inbound.message"
    assert said["raw"] == {"topic": topics.RAW_WEBHOOK, "partition": 0, "offset": 0}
    assert said["source_system"] == keys.GATEWAY


async def test_noise_makes_no_event_and_no_dead_letter() -> None:
    assert await normalized(raw(PRESENCE, topics.RAW_WEBHOOK)) == {}


@pytest.mark.parametrize("topic", [topics.RAW_EVENT, topics.RAW_WEBHOOK])
@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[]", b"[" * 100_000, b"{}"])
async def test_what_cannot_be_read_is_put_aside_and_its_neighbours_go_on(topic: str, value: bytes | None) -> None:
    out = await normalized(raw(value, topic), raw(EVENT))

    [letter] = out[topics.DEAD_LETTER]
    assert letter.value == value
    assert dict(letter.headers)["stage"] == b"normalizer"
    assert len(out[topics.EVENT_NORMALIZED]) == 1


async def test_a_producer_cannot_tell_what_happened_on_whatsapp() -> None:
    out = await normalized(raw(EVENT | {"event_type": "whatsapp.delivery.ack"}))

    [letter] = out[topics.DEAD_LETTER]
    assert list(out) == [topics.DEAD_LETTER]
    assert b"event_type: must not begin with whatsapp." in dict(letter.headers)["error_message"]


async def test_a_redelivered_record_makes_the_same_bytes() -> None:
    assert await normalized(raw(EVENT)) == await normalized(raw(EVENT))


async def test_a_replayed_record_stays_marked_as_one() -> None:
    out = await normalized(raw(EVENT, headers=[("replay", b"audit")]))

    assert dict(out[topics.EVENT_NORMALIZED][0].headers)["replay"] == b"audit"


@pytest.mark.parametrize("size", [1_000, 1_000_000])
async def test_a_file_is_stored_before_its_event_leaves_and_the_event_names_it(size: int) -> None:
    store, data = Shelf(), b"OggS" + bytes(size)
    out = await normalized(raw(voice(1, data), topics.RAW_WEBHOOK), store=store)

    [event] = out[topics.EVENT_NORMALIZED]
    media = msgspec.json.decode(event.value or b"")["payload"]["media"]
    assert store.kept == {media["ref"]: data}
    assert (media["state"], media["size"], media["mimetype"]) == ("ready", len(data), "audio/ogg")


async def test_equal_files_are_stored_once_and_few_at_a_time() -> None:
    store = Shelf()
    records = [raw(voice(at, b"OggS" + bytes(100 + at // 2)), topics.RAW_WEBHOOK, offset=at) for at in range(60)]
    await normalized(*records, store=store)

    assert len(store.kept) == store.puts == 30
    assert 1 < store.most <= 8


async def test_nothing_leaves_while_the_store_refuses_a_file_and_its_error_keeps_its_class() -> None:
    with pytest.raises(ConnectionError, match="away"):
        await normalized(raw(voice(1, b"OggS" + bytes(100)), topics.RAW_WEBHOOK), store=Shelf(ConnectionError("away")))


async def test_an_event_that_nobody_knows_is_kept_with_its_coordinates_and_counted() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("posto_webhook_unknown_total", {"name": "onsomethingnew"}) or 0.0

    before = counted()
    out = await normalized(raw({"event": "onSomethingNew", "session": "Canal Um"}, topics.RAW_WEBHOOK, offset=7))

    [event] = out[topics.EVENT_NORMALIZED]
    said = msgspec.json.decode(event.value or b"")
    assert (said["event_type"], said["raw"]["offset"]) == ("whatsapp.unknown.onsomethingnew", 7)
    assert counted() == before + 1
