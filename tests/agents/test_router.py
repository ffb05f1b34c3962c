"""The router on batches: what leaves, and what a redelivery says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from agents.router import OUTPUTS, SHEDDING, build
from schemas import event_types
from schemas.configuration import Template
from schemas.events import Coordinates, Event
from streams import keys, quarantine, topics
from streams.configuration import Configuration
from streams.envelope import event_headers
from streams.quarantine import Held
from streams.runtime import Batch, Out
from tests.agents.consumed import Consumed
from tests.streams.samples_configuration import configuration, usual

RECEIVED = datetime(2026, 1, 15, 12, tzinfo=UTC)
PARTITIONS = dict.fromkeys((*OUTPUTS, topics.DEAD_LETTER), 8)


class Table:
    """The rows of one partition."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes | None] = {}

    def get(self, _: int, key: bytes) -> bytes | None:
        return self.rows.get(key)


@dataclass
class Source:
    current: Configuration


class Router:
    """Runs the agent's function as the runtime does: changes into the table, outputs out."""

    def __init__(self, configured: Configuration) -> None:
        self.source = Source(configured)
        self.table = Table()
        self.held: list[dict[int, list[Held]]] = []
        self._function = build(self.source, self, keep=timedelta(days=30))

    async def take(self, incoming: Mapping[int, Sequence[Held]]) -> None:
        self.held.append({partition: list(held) for partition, held in incoming.items()})

    async def route(self, *records: Consumed) -> dict[str, list[Out]]:
        batch = Batch("router", records, PARTITIONS, self.table)  # type: ignore[arg-type]
        await self._function(batch)
        for changes in batch.changes.values():
            self.table.rows |= changes
        out: dict[str, list[Out]] = {}
        for (topic, _), records_out in batch.outputs.items():
            out.setdefault(topic, []).extend(records_out)
        return out


def record(raw_offset: int = 0, fingerprint: str = "f", **fields: Any) -> Consumed:
    defaults: dict[str, Any] = {
        "event_id": keys.event_id("k"),
        "idempotency_key": "k",
        "event_type": "billing.invoice.overdue",
        "source_system": "billing",
        "stream_key": "k",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "occurred_at": RECEIVED,
        "received_at": RECEIVED,
        "tenant_id": 1,
        "payload": {"to": "5547999990001", "name": "Ana"},
    }
    event = Event(raw=Coordinates("raw.event", 0, raw_offset), fingerprint=fingerprint, **(defaults | fields))
    return Consumed(msgspec.json.encode(event), topics.EVENT_NORMALIZED, headers=event_headers(event))


def kinds(out: dict[str, list[Out]]) -> list[str]:
    return [msgspec.json.decode(accepted.value or b"")["kind"] for accepted in out[topics.EVENT_ACCEPTED]]


async def test_an_event_is_routed_once_and_its_duplicates_are_recorded() -> None:
    router = Router(usual())

    out = await router.route(record(0), record(1), record(2))

    assert kinds(out) == ["accepted", "duplicate", "duplicate"]
    assert len(out[topics.COMMAND_OUTBOUND]) == 1
    later = await router.route(record(3))
    assert kinds(later) == ["duplicate"]
    assert topics.COMMAND_OUTBOUND not in later


async def test_a_redelivery_says_the_first_decision_again_byte_for_byte_whatever_the_rules_say_now() -> None:
    router = Router(usual())
    first = await router.route(record(0))

    router.source.current = configuration()
    again = await router.route(record(0))

    assert again == first


async def test_a_redelivery_after_its_commit_says_the_decision_again_and_makes_no_second_command() -> None:
    router = Router(usual())
    first = await router.route(record(0))
    [(key, entry)] = router.table.rows.items()
    assert entry is not None
    assert SHEDDING.needed_until(entry) == record(0).offset

    router.table.rows[key] = SHEDDING.shed(entry)
    router.source.current = configuration()
    again = await router.route(record(0))

    assert first.pop(topics.COMMAND_OUTBOUND)
    assert again == first


async def test_a_conflict_is_recorded_and_not_routed() -> None:
    router = Router(usual())
    await router.route(record(0))

    out = await router.route(record(1, "g", payload={"to": "5547999990002", "name": "Ana"}))

    assert kinds(out) == ["conflict"]
    assert list(out) == [topics.EVENT_ACCEPTED]


async def test_what_cannot_be_sent_is_recorded_and_a_dead_letter_with_its_reason() -> None:
    router = Router(usual())

    out = await router.route(record(0, payload={"to": "5547999990001"}))

    assert kinds(out) == ["rejected"]
    [letter] = out[topics.DEAD_LETTER]
    assert dict(letter.headers)["stage"] == b"router"
    assert b"name" in dict(letter.headers)["error_message"]
    assert letter.value == record(0, payload={"to": "5547999990001"}).value
    assert topics.COMMAND_OUTBOUND not in out


async def test_a_text_that_is_too_long_is_a_dead_letter_that_says_so() -> None:
    out = await Router(usual()).route(record(0, payload={"to": "5547999990001", "text": "x" * 70_000}))

    [letter] = out[topics.DEAD_LETTER]
    assert kinds(out) == ["rejected"]
    assert dict(letter.headers)["error_message"] == b"payload.text has 70000 characters, at most 65536 can be sent"


async def test_a_rejected_event_comes_again_corrected_and_is_routed() -> None:
    router = Router(usual())
    await router.route(record(0, payload={"to": "5547999990001"}))

    out = await router.route(record(1, "g"))

    assert kinds(out) == ["accepted"]
    assert len(out[topics.COMMAND_OUTBOUND]) == 1


async def test_a_batch_with_a_rejected_record_and_its_correction_says_both_again_after_a_crash() -> None:
    router = Router(usual())
    rejected, corrected = record(0, payload={"to": "5547999990001"}), record(1, "g")
    first = await router.route(rejected, corrected)

    again = await router.route(rejected, corrected)

    assert kinds(first) == ["rejected", "accepted"]
    assert again == first


async def test_a_released_event_that_the_router_cannot_decide_is_a_dead_letter_and_held_no_more() -> None:
    router = Router(configuration())
    held = record(0, channel="canalum")
    await router.route(held)

    class Broken:
        def channel(self, _: str) -> None:
            raise ZeroDivisionError("nobody foresaw it")

    router.source.current = Broken()  # type: ignore[assignment]
    released = Consumed(held.value, topics.EVENT_NORMALIZED, headers=[("origin", b"raw.event/0@0")])
    with pytest.raises(ZeroDivisionError):  # one of several: the runtime halves
        await router.route(released, record(1))
    out = await router.route(released)

    assert [dict(letter.headers)["error_class"] for letter in out.pop(topics.DEAD_LETTER)] == [b"ZeroDivisionError"]
    assert out == {}
    assert list(quarantine.held(lambda key: router.table.get(0, key), "canalum")) == []


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"{}", b"[" * 100_000, b'{"event_id":1}'])
async def test_what_is_no_event_is_a_dead_letter_and_its_neighbours_are_routed(value: bytes | None) -> None:
    router = Router(usual())

    out = await router.route(Consumed(value, topics.EVENT_NORMALIZED), record(0))

    assert kinds(out) == ["accepted"]
    assert [letter.value for letter in out[topics.DEAD_LETTER]] == [value]


async def test_an_ack_reaches_the_sender_of_its_channel() -> None:
    router = Router(usual())
    ack = record(
        0,
        event_type=event_types.DELIVERY_ACK,
        source_system=keys.GATEWAY,
        channel="canalum",
        tenant_id=None,
        payload={"message_key": "3EB0AA17", "status": "read"},
    )

    out = await router.route(ack)

    [evidence] = out[topics.DELIVERY_EVIDENCE]
    assert evidence.key == b"canalum"
    assert msgspec.json.decode(evidence.value or b"")["ack"] == "read"


async def test_an_ack_without_a_channel_reaches_every_sender() -> None:
    router = Router(usual())
    ack = record(
        0,
        event_type=event_types.DELIVERY_ACK,
        source_system=keys.GATEWAY,
        tenant_id=None,
        payload={"message_key": "3EB0AA17", "status": "delivered"},
    )

    out = await router.route(ack)

    assert len(out[topics.DELIVERY_EVIDENCE]) == 8


@pytest.mark.parametrize("source", ["erp", keys.GATEWAY])
async def test_what_proves_nothing_is_accepted_and_told_to_no_sender(source: str) -> None:
    ack = record(0, event_type=event_types.DELIVERY_ACK, source_system=source, payload={"status": ["read"]})

    out = await Router(usual()).route(ack)

    assert kinds(out) == ["accepted"]
    assert topics.DELIVERY_EVIDENCE not in out


async def test_a_replayed_record_stays_marked_as_one() -> None:
    router = Router(usual())
    replayed = record(0)
    replayed.headers = [("replay", b"audit")]

    out = await router.route(replayed)

    for emitted in (*out[topics.EVENT_ACCEPTED], *out[topics.COMMAND_OUTBOUND]):
        assert dict(emitted.headers)["replay"] == b"audit"


async def test_records_carry_the_cloudevents_and_trace_headers() -> None:
    out = await Router(usual()).route(record(0))

    headers = dict(out[topics.COMMAND_OUTBOUND][0].headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"billing.invoice.overdue"
    assert headers["trace_id"] == b"0af7651916cd43dd8448eb211c80319c"
    assert headers["traceparent"].startswith(b"00-0af7651916cd43dd8448eb211c80319c-")
    assert headers["tenant_id"] == b"1"


LID = "100000000000001@lid"


def inbound(raw_offset: int, payload: dict[str, Any], **fields: Any) -> Consumed:
    return record(
        raw_offset,
        **{
            "event_type": event_types.INBOUND_MESSAGE,
            "source_system": keys.GATEWAY,
            "channel": "canalum",
            "contact": LID,
            "payload": payload,
            **fields,
        },
    )


async def test_a_body_with_lid_and_phone_links_them_and_one_with_a_lid_alone_asks_for_the_phone() -> None:
    router = Router(usual())

    out = await router.route(
        inbound(0, {"link": {"lid": LID, "phone": "5547999990001@c.us"}}),
        inbound(1, {"text": "oi"}, idempotency_key="k2", event_id=keys.event_id("k2")),
    )

    [linked], [asked] = out[topics.CONTACT_LINK], out[topics.COMMAND_LOOKUP]
    assert linked.key == LID.encode()
    assert msgspec.json.decode(linked.value or b"")["tenant_id"] == 1
    assert asked.key == b"canalum"
    assert msgspec.json.decode(asked.value or b"")["event_id"] == keys.event_id("k2")


async def test_a_duplicate_proves_what_its_body_tells_and_asks_for_nothing() -> None:
    router = Router(usual())
    await router.route(inbound(0, {"text": "oi"}))

    again = await router.route(inbound(1, {"text": "oi"}))
    both = await router.route(inbound(2, {"text": "oi", "link": {"lid": LID, "phone": "5547999990001"}}))

    assert (kinds(again), list(again)) == (["duplicate"], [topics.EVENT_ACCEPTED])
    assert (kinds(both), set(both)) == (["duplicate"], {topics.EVENT_ACCEPTED, topics.CONTACT_LINK})


async def test_a_quarantined_message_proves_and_asks_for_nothing() -> None:
    router = Router(usual())
    said = {"link": {"lid": LID, "phone": "5547999990001"}}
    place = {"channel": "nobodys", "idempotency_key": "k3", "event_id": keys.event_id("k3")}

    first, again = [await router.route(inbound(offset, said, **place)) for offset in (2, 3)]

    for out in (first, again):
        assert list(out) == [topics.EVENT_ACCEPTED]


async def test_an_event_of_an_unknown_channel_is_held_and_its_keeper_is_told() -> None:
    router = Router(usual())

    out = await router.route(record(0, channel="canaldois"))

    assert kinds(out) == ["quarantined"]
    assert list(out) == [topics.EVENT_ACCEPTED]
    assert router.held == [{0: [Held("canaldois")]}]


async def test_the_keeper_is_told_of_what_comes_back_since_its_channel_is_gone_again() -> None:
    router = Router(configuration())
    held = record(0, channel="canalum")
    await router.route(held)

    released = Consumed(held.value, topics.EVENT_NORMALIZED, headers=[("origin", b"raw.event/0@0")])
    out = await router.route(released)

    assert kinds(out) == ["quarantined"]
    assert router.held[-1] == {0: [Held("canalum", returned=Coordinates("raw.event", 0, 0))]}


async def test_what_is_released_is_decided_and_says_where_it_came_from() -> None:
    router = Router(configuration())
    held = record(0, channel="canalum")
    await router.route(held)
    router.source.current = usual()

    released = Consumed(held.value, topics.EVENT_NORMALIZED, headers=[("origin", b"raw.event/0@0")])
    out = await router.route(released)

    assert kinds(out) == ["accepted"]
    [command] = out[topics.COMMAND_OUTBOUND]
    assert dict(command.headers)["origin"] == b"raw.event/0@0"


async def test_what_is_redriven_to_an_unknown_channel_waits_like_all_others_of_it() -> None:
    router = Router(configuration())
    redriven = record(0, channel="canaldois")
    redriven.headers = [("origin", b"raw.event/0@0"), ("redrive", b"normalizer:raw.event/0@0#1")]

    out = await router.route(redriven)

    assert kinds(out) == ["quarantined"]
    assert list(quarantine.held(lambda key: router.table.get(0, key), "canaldois")) == [Coordinates("raw.event", 0, 0)]
    assert router.held == [{0: [Held("canaldois")]}]


async def test_what_was_rejected_is_routed_when_it_is_redriven_and_every_record_says_where_it_came_from() -> None:
    router = Router(usual())
    rejected = record(0, payload={"to": "5547999990001"})
    await router.route(rejected)
    router.source.current = usual([Template(id="overdue", body="Sua fatura venceu.", version=6)])
    rejected.headers = [("origin", b"raw.event/0@0"), ("redrive", b"router:event.normalized/0@0#1")]

    out = await router.route(rejected)

    assert kinds(out) == ["accepted"]
    assert topics.DEAD_LETTER not in out
    for written in (*out[topics.EVENT_ACCEPTED], *out[topics.COMMAND_OUTBOUND]):
        assert dict(written.headers)["origin"] == b"raw.event/0@0"
        assert "redrive" not in dict(written.headers)
