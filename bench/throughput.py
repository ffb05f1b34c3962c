"""Events per second through one worker process: raw.event to event.accepted, a backlog worked off."""

from time import perf_counter
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.result import Result
from infra.stack.supervision import Supervisor
from streams import topics
from tests.support.stack import Stack
from tests.support.waiting import eventually

EVENTS = 100_000
WANTED = 5_000.0


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Send a backlog while no worker runs, start one, and take the time from its first output to its last.

    The worker does all its work meanwhile, the projection into MySQL included. Checked: every event is accepted once.
    """
    total = EVENTS // 10 if quick else EVENTS
    supervisor = Supervisor(stack.layout)
    supervisor.stop("worker-1")
    before = await _ends(stack)
    await _send(stack, total)
    supervisor.start("worker-1")

    async def has_begun() -> bool:
        return await _ends(stack) > before

    async def is_done() -> bool:
        return await _ends(stack) >= before + total

    await eventually(has_begun, 60, interval=0.01)
    began, already = perf_counter(), await _ends(stack) - before
    await eventually(is_done, 300, interval=0.01)
    seconds = perf_counter() - began
    await _check(stack, total)
    return [
        Result(
            "throughput", f"normalizer and router, {total:,} events of 600 bytes, one process", rate, "events/s", WANTED
        )
        for rate in [(total - already) / seconds]
    ]


def _event(number: int) -> bytes:
    event = {
        "source_system": "bench",
        "event_type": "bench.event.recorded",
        "external_id": f"bench-{number}",
        "occurred_at": "2026-01-15T12:00:00Z",
        "payload": {"number": number, "name": "Ana", "amount": 1234.56, "filler": "x" * 420},
    }
    return msgspec.json.encode(event)


async def _send(stack: Stack, total: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka, linger_ms=10, max_batch_size=262_144) as producer:
        last: Any = None
        for number in range(total):
            last = await producer.send(topics.RAW_EVENT, _event(number))
        await producer.flush()
        await last


async def _ends(stack: Stack) -> int:
    """How many records event.accepted has."""
    async with AIOKafkaConsumer(topics.EVENT_ACCEPTED, bootstrap_servers=stack.kafka) as consumer:
        places = [
            TopicPartition(topics.EVENT_ACCEPTED, p) for p in consumer.partitions_for_topic(topics.EVENT_ACCEPTED)
        ]
        return int(sum((await consumer.end_offsets(places)).values()))


async def _check(stack: Stack, total: int) -> None:
    """Every event is there, and accepted once."""
    seen: set[str] = set()
    async with AIOKafkaConsumer(
        topics.EVENT_ACCEPTED, bootstrap_servers=stack.kafka, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        while len(seen) < total:
            for records in (await consumer.getmany(timeout_ms=5_000)).values():
                for record in records:
                    event = msgspec.json.decode(record.value)
                    if event["source_system"] == "bench":
                        assert event["kind"] == "accepted", event
                        assert event["external_id"] not in seen, event
                        seen.add(event["external_id"])
