"""How long a dry run over the last 100,000 events takes, in the process in which the API has it done."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.result import Result
from infra.defaults import default_rules, default_templates
from infra.dry_run import Laboratory
from infra.settings import Settings, load
from infra.topics import apply_topics
from schemas.configuration import SENTINEL_KEY, Channel, Rule, Tenant
from schemas.events import AcceptedEvent, Action, Decision, Kind
from schemas.proposals import DryRun, Effect, Proposal
from streams import topics
from streams.normalization import events
from streams.normalization.raw import RawRecord

_EVENTS: Final = 100_000
_EVENTS_QUICK: Final = 5_000
_SECONDS: Final = 10.0
_PARTITIONS: Final = 8
_BILLS: Final = (4, 10)
"""So many of ten events are bills: the others are messages and payments, of which nothing is sent."""


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """Checked: how many events were looked at, what differs, and that nothing was sent."""
    count = _EVENTS_QUICK if quick else _EVENTS
    settings = load(_env_file=None, kafka_bootstrap_servers=servers, posto_partitions=_PARTITIONS)
    await apply_topics(settings)
    await _publish(settings)
    template = next(template for template in default_templates() if template.id == "billing.invoice")
    other = msgspec.structs.replace(template, body=f"{template.body}\nObrigado!")
    silent = Rule(id="silent", event_type="billing.invoice.overdue", action=Action.NONE, priority=1)
    results = []
    written = 0
    for what, bills in (("4 of 10 are bills", _BILLS[0]), ("all are bills", _BILLS[1])):
        await _write(settings, written, count, bills)
        written += count
        told = bills * count // 10
        for change, proposal, effect in (
            ("another rule", Proposal(rules=(silent,)), Effect.SENDS_LESS),
            ("another text", Proposal(templates=(other,)), Effect.OTHER_TEXT),
        ):
            began = perf_counter()
            found = await Laboratory(settings).try_out(proposal, last=count)
            seconds = perf_counter() - began
            _check(found, count, effect, told)
            figure = f"{count:,} events, {what}, {change}"
            results.append(Result("dry_run", figure, seconds, "s", at_most=None if quick else _SECONDS))
    assert await _length(settings, topics.COMMAND_OUTBOUND) == 0
    return results


def _check(found: DryRun, count: int, effect: Effect, told: int) -> None:
    assert found.events == count, found.events
    assert found.effects[effect] == told, found.effects


async def _publish(settings: Settings) -> None:
    channel = Channel(id="canalum", channel_id="Canal Um", tenant=Tenant(id=1, name="Um"), version=1)
    entries: list[tuple[str, Any]] = [(topics.CONFIG_CHANNEL, channel)]
    entries += [(topics.CONFIG_TEMPLATE, template) for template in default_templates()]
    entries += [(topics.CONFIG_RULE, rule) for rule in default_rules()]
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        for topic, entry in entries:
            await producer.send_and_wait(topic, msgspec.json.encode(entry), key=entry.id.encode())
        await producer.send_and_wait(topics.CONFIG_RULE, b'{"channels":1,"templates":1,"rules":1}', key=SENTINEL_KEY)


async def _write(settings: Settings, first: int, count: int, bills: int) -> None:
    """Events as the router writes them, each of a key of its own."""
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, max_batch_size=262_144, linger_ms=5
    ) as producer:
        for number, value in _accepted(first, count, bills):
            await producer.send(topics.EVENT_ACCEPTED, value, key=str(number).encode(), partition=number % _PARTITIONS)


def _accepted(first: int, count: int, bills: int) -> Iterator[tuple[int, bytes]]:
    payload = {
        "phone": "5547999990001",
        "name": "Ana",
        "service": "Internet 300 Mega",
        "amount": 1234.56,
        "due_date": "2026-01-10",
        "payment_link": "https://pay.example/abc",
    }
    for number in range(first, first + count):
        event_type = "billing.invoice.overdue" if number % 10 < bills else "asaas.payment.received"
        told = {
            "source_system": "bench",
            "event_type": event_type,
            "external_id": number,
            "tenant_id": 1,
            "payload": payload,
        }
        raw = RawRecord.of(topics.RAW_EVENT, 0, number, 1_768_512_936_000)
        event = events.normalize(msgspec.json.encode(told), raw)
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        yield (
            number,
            msgspec.json.encode(AcceptedEvent(**fields, kind=Kind.ACCEPTED, decision=Decision(action="whatsapp"))),
        )


async def _length(settings: Settings, topic: str) -> int:
    async with AIOKafkaConsumer(topic, bootstrap_servers=settings.kafka_bootstrap_servers) as consumer:
        return sum((await consumer.end_offsets(consumer.assignment())).values())
