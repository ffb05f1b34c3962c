"""What is measured: records of each kind through the functions of normalizer and router, and commands to their end."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from time import process_time
from typing import Any, Final

import msgspec

from agents import normalizer, router
from infra.simulator.envelopes import ack_envelope, message_envelope
from infra.simulator.mix import What, make
from infra.simulator.state import Message, SimulatedChannel
from schemas.deliveries import AckStatus
from schemas.events import Coordinates
from streams import topics
from streams.configuration import Configuration
from streams.deliveries import Delivery
from streams.runtime import AgentFunction, Batch
from streams.sending.inputs import Ack, Input, Sent, Start, Take
from streams.sending.machine import transition
from tests.agents.consumed import Consumed
from tests.streams.samples_configuration import usual
from tests.streams.sending.world import SCHEDULE, START, command
from tests.support.nothing import Nothing

COUNT: Final = 200

_PARTITIONS: Final = dict.fromkeys((*normalizer.OUTPUTS, *router.OUTPUTS, topics.DEAD_LETTER), 8)
_CHANNEL: Final = SimulatedChannel("Canal Um", "connected")
_AT: Final = 1_768_512_935

Work = Callable[[], float]
"""Does the work once; seconds of this process for each of its things."""


class _Nothing(Nothing):
    """Nor rows of a table, and a configuration as most have it."""

    current: Configuration = usual()


def works() -> dict[str, Work]:
    """Every piece of work by its name."""
    nothing = _Nothing()
    normalizing = normalizer.build(nothing)
    routing = router.build(nothing, nothing, keep=timedelta(days=30))
    found: dict[str, Work] = {}
    for kind, records in _records().items():
        normalized = [
            Consumed(out.value, topics.EVENT_NORMALIZED, key=out.key, headers=out.headers)
            for outs in _carried(normalizing, records).outputs.values()
            for out in outs
        ]
        found[f"normalizer: {kind}"] = _carrying(normalizing, records)
        if normalized:
            found[f"router: {kind}"] = _carrying(routing, normalized)
    return found | {"sender: a command": _sending}


def _carrying(function: AgentFunction, records: Sequence[Consumed]) -> Work:
    def work() -> float:
        began = process_time()
        _carried(function, records)
        return (process_time() - began) / len(records)

    return work


def _carried(function: AgentFunction, records: Sequence[Consumed]) -> Batch:
    batch = Batch("speed", records, _PARTITIONS, None)
    asyncio.run(function(batch))
    assert not batch.dead
    return batch


def _sending() -> float:
    """Commands that are taken, sent and delivered, in the sender's state machine."""
    commands = [command(str(number)) for number in range(COUNT)]
    place = Coordinates(topics.DELIVERY_EVIDENCE, 0, 7)
    began = process_time()
    for each in commands:
        delivery: Delivery | None = None
        steps: Iterable[Input] = (Take(each), Start(), Sent(1, "3EB0AA01"), Ack(1, AckStatus.DELIVERED, START, place))
        for given in steps:
            delivery = transition(delivery, given, START, SCHEDULE).delivery
        assert delivery is not None
        assert delivery.is_closed
    return (process_time() - began) / COUNT


def _records() -> dict[str, list[Consumed]]:
    presences = [planned.body for planned in make(1) if planned.what is What.PRESENCE]
    webhook, event = topics.RAW_WEBHOOK, topics.RAW_EVENT
    return {
        "an event": [_raw(event, number, _event(number)) for number in range(COUNT)],
        "an invoice": [_raw(event, number, _invoice(number)) for number in range(COUNT)],
        "a message": [_raw(webhook, number, message_envelope(_message(number), _CHANNEL)) for number in range(COUNT)],
        "an ack": [
            _raw(webhook, number, ack_envelope(_message(number, from_me=True), _CHANNEL, "delivered", _AT))
            for number in range(COUNT)
        ],
        "a presence": [_raw(webhook, number, body) for number, body in enumerate(presences[:COUNT])],
    }


def _raw(topic: str, number: int, body: dict[str, Any]) -> Consumed:
    """A record as the edge writes it."""
    trace = f"0af7651916cd43dd8448eb21{number:08x}"
    said = {
        "raw_id": f"{number:032x}",
        "received_at": f"2026-01-15T21:35:36.{number:06}+00:00",
        "source": "/api/events",
        "content-type": "application/json",
        "trace_id": trace,
        "traceparent": f"00-{trace}-00f067aa0ba902b7-00",
    }
    headers = [(name, text.encode()) for name, text in said.items()]
    return Consumed(msgspec.json.encode(body), topic, number, None, 3, _AT * 1000, headers)


def _event(number: int) -> dict[str, Any]:
    payload = {"number": number, "name": "Ana", "amount": 1234.56, "filler": "x" * 400}
    return _given("crm.lead.created", number) | {"payload": payload}


def _invoice(number: int) -> dict[str, Any]:
    payload = {"to": f"55479{number:08}", "name": "Ana", "amount": 1234.56, "due_date": "2026-01-10", "link": "x" * 60}
    return _given("billing.invoice.overdue", number) | {"tenant_id": 1, "payload": payload}


def _given(event_type: str, number: int) -> dict[str, Any]:
    named = {"source_system": "erp", "event_type": event_type, "external_id": f"id-{number}"}
    return named | {"occurred_at": "2026-01-15T12:00:00Z"}


def _message(number: int, *, from_me: bool = False) -> Message:
    chat = f"55479{number:08}@c.us"
    full = f"{str(from_me).lower()}_{chat}_3EB0{number:016X}"
    return Message(full, _CHANNEL.id, chat, _CHANNEL.number, from_me, "chat", "Bom dia!" * 5, _AT, name="Ana")
