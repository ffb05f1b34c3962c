"""What it costs to record an attempt before its request leaves: under its owner's claim, beside a plain producer."""

import os
import statistics
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.result import Result
from schemas.commands import Command
from schemas.deliveries import DeliveryFact, FactKind
from schemas.events import Action
from streams.deliveries import Delivery, record
from streams.runtime import Out, Publisher
from streams.sending.clock import SystemClock
from streams.sending.log import KafkaStatusLog, record_of
from tests.support.stack import Stack

ATTEMPTS = 5_000
AT_ONCE = (1, 20)
WANTED_MS = 3.0

Append = Callable[[Sequence[DeliveryFact]], Awaitable[Any]]


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Append facts as a step of an owner does, one step after the other, to a topic of its own; both in one run."""
    total = ATTEMPTS // 10 if quick else ATTEMPTS
    topic = f"bench.attempts.{os.urandom(4).hex()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
        log = KafkaStatusLog({"bootstrap_servers": stack.kafka}, topic=topic)
        began = perf_counter()
        await log.claim(0)
        results = [Result("attempts", "a claim of a partition", (perf_counter() - began) * 1000, "ms")]
        async with AIOKafkaProducer(bootstrap_servers=stack.kafka, enable_idempotence=True, acks="all") as producer:
            plain = partial(_plainly, Publisher(lambda: producer), topic)
            claimed = partial(log.append, 0)
            for count in AT_ONCE:
                for name, append in (("plain producer", plain), ("claim", claimed)):
                    waits = await _measured(append, count, total)
                    limit = WANTED_MS if name == "claim" and count == 1 else None
                    results += _results(f"{count} at once, {name}", waits, count, limit)
        await log.let_go(0)
        await admin.delete_topics([topic])
    finally:
        await admin.close()
    return results


async def _plainly(publisher: Publisher, topic: str, facts: Sequence[DeliveryFact]) -> None:
    outs: list[Out] = [record_of(fact) for fact in facts]
    await publisher.publish({(topic, 0): outs})


async def _measured(append: Append, count: int, total: int) -> list[float]:
    facts = [_fact(number) for number in range(count)]
    await append(facts)
    waits = []
    for _ in range(total // count):
        began = perf_counter()
        await append(facts)
        waits.append((perf_counter() - began) * 1000)
    return sorted(waits)


def _results(name: str, waits: list[float], count: int, limit: float | None) -> list[Result]:
    return [
        Result("attempts", f"{name}, mean for each", statistics.mean(waits) / count, "ms", at_most=limit),
        Result("attempts", f"{name}, p99 of a step", waits[int(len(waits) * 0.99)], "ms"),
    ]


def _fact(number: int) -> DeliveryFact:
    now = SystemClock().now()
    command = Command(
        command_id=f"00000000-0000-0000-0000-{number:012d}",
        event_id=f"00000000-0000-0000-0001-{number:012d}",
        event_type="bench",
        trace_id="0" * 32,
        action=Action.WHATSAPP,
        tenant_id=1,
        channel="canalum",
        to="5547999990001",
        contact="554799990001",
        text="",
        created_at=now,
    )
    _, fact = record(Delivery.of(command), FactKind.ATTEMPT_STARTED, now, attempt=1)
    return fact
