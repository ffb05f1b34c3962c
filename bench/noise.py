"""What technical noise adds to the way of a message: from the POST of its webhook to event.accepted, and to its row."""

import asyncio
import json
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.result import Result
from infra.simulator import mix
from infra.simulator.mix import NOISE, Planned, What
from streams import topics
from tests.e2e.hub import Hub, hub_on, second_session
from tests.support.stack import Stack
from tests.support.waiting import eventually

RATE: Final = 200
"""Webhooks a second, noise and messages together: two days in a minute and a half."""
ADDED_MS: Final = 250.0
QUICK: Final = slice(4_000, 8_000)
"""From the first morning to its evening: messages come by day."""
_LOOK_EVERY: Final = 0.005


@dataclass
class Way:
    """When each message was posted, accepted and visible, by its key; in seconds of one clock."""

    posted: dict[str, float] = field(default_factory=dict)
    accepted: dict[str, float] = field(default_factory=dict)
    visible: dict[str, float] = field(default_factory=dict)

    def waits(self, reached: Mapping[str, float]) -> dict[str, float]:
        """Milliseconds from the POST of each message."""
        return {key: (reached[key] - at) * 1000 for key, at in self.posted.items()}


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Play the messages of the mix at their moments, once alone and once within all of its noise.

    A message's POST is that of its first emission with content. Checked: everything posted was taken, all messages
    are visible, the noise came at its rate.
    """
    planned = mix.make(1)
    planned = planned[QUICK] if quick else planned
    noise = [msgspec.json.encode(each.body) for each in planned if each.what in NOISE]
    async with hub_on(stack) as hub, second_session(hub):
        alone = await _played(hub, planned, b"3EB1")
        before = (await hub.noise()).total()
        noisy = asyncio.create_task(_play(stack, noise, RATE * len(noise) / len(planned)))

        async def has_begun() -> bool:
            return (await hub.noise()).total() > before

        await eventually(has_begun, 30)
        within = await _played(hub, planned, b"3EB2")
        await noisy
    return [
        *_results("event.accepted", alone.waits(alone.accepted), within.waits(within.accepted)),
        *_results("its row in MySQL", alone.waits(alone.visible), within.waits(within.visible)),
    ]


async def _played(hub: Hub, planned: Sequence[Planned], prefix: bytes) -> Way:
    """Post what is no noise, each at its moment; the ids begin with `prefix`, so that each run has messages of its own.

    Returns once every message has arrived everywhere.
    """
    spelled = {each.message_key: _spelled(each.message_key, prefix) for each in planned if each.what is What.INBOUND}
    way, wanted = Way(), set(spelled.values())
    async with _at_its_end(hub) as consumer, asyncio.TaskGroup() as tasks:
        tasks.create_task(_watch(wanted, way.accepted, lambda _: _accepted(consumer), wait=0))
        tasks.create_task(_watch(wanted, way.visible, lambda missing: _visible(hub, missing), wait=_LOOK_EVERY))
        begun = perf_counter()
        for position, each in enumerate(planned):
            if each.what in NOISE:
                continue
            await asyncio.sleep(max(0.0, begun + position / RATE - perf_counter()))
            body = msgspec.json.encode(each.body).replace(b"3EB0", prefix)
            if each.what is What.INBOUND and each.body["raw"]["payload"]["type"] != "ciphertext":
                way.posted.setdefault(spelled[each.message_key], perf_counter())
            tasks.create_task(_post(hub, body))
    return way


def _spelled(message_key: str | None, prefix: bytes) -> str:
    return str(message_key).replace("3EB0", prefix.decode())


async def _post(hub: Hub, body: bytes) -> None:
    secret = {"X-Webhook-Secret": hub.stack.env["PIXELHUB_WHATSAPP_WEBHOOK_SECRET"]}
    headers = {"Content-Type": "application/json", **secret}
    answer = await hub.http.post(f"{hub.stack.edge}/api/whatsapp/webhook", content=body, headers=headers)
    answer.raise_for_status()


async def _watch(
    wanted: set[str], reached: dict[str, float], look: Callable[[set[str]], Awaitable[set[str]]], *, wait: float
) -> None:
    """Take the time at which each is seen first; asyncio.TimeoutError after two minutes without."""
    while missing := wanted - reached.keys():
        async with asyncio.timeout(120):
            found = await look(missing)
        reached |= dict.fromkeys(found & missing, perf_counter())
        await asyncio.sleep(wait)


async def _visible(hub: Hub, missing: set[str]) -> set[str]:
    marks = ", ".join(["%s"] * len(missing))
    statement = f"SELECT message_key FROM messages WHERE event_revision > 0 AND message_key IN ({marks})"  # noqa: S608
    return {row["message_key"] for row in await hub.rows(statement, *missing)}


async def _accepted(consumer: AIOKafkaConsumer) -> set[str]:
    events = [
        msgspec.json.decode(record.value)
        for records in (await consumer.getmany(timeout_ms=1_000)).values()
        for record in records
    ]
    return {
        event["payload"]["message_key"]
        for event in events
        if event["kind"] in ("accepted", "updated") and "message_key" in event["payload"]
        if event.get("revision", 1) > 0
    }


@asynccontextmanager
async def _at_its_end(hub: Hub) -> AsyncIterator[Any]:
    """A consumer of event.accepted from now on."""
    consumer = AIOKafkaConsumer(bootstrap_servers=hub.stack.kafka, fetch_max_wait_ms=5)
    await consumer.start()
    try:
        await consumer._client.add_topic(topics.EVENT_ACCEPTED)
        await eventually(lambda: consumer.partitions_for_topic(topics.EVENT_ACCEPTED))
        numbers = consumer.partitions_for_topic(topics.EVENT_ACCEPTED)
        consumer.assign([TopicPartition(topics.EVENT_ACCEPTED, number) for number in numbers])
        await consumer.seek_to_end()
        yield consumer
    finally:
        await consumer.stop()


async def _play(stack: Stack, bodies: Sequence[bytes], rate: float) -> None:
    """Post bodies from a process of their own."""
    with TemporaryDirectory(prefix="posto-noise-") as folder:
        recording = Path(folder) / "noise.ndjson"
        recording.write_bytes(b"\n".join(bodies))
        played = await asyncio.to_thread(stack.posto, "simulate", "--play", str(recording), "--rate", str(rate))
    assert played.returncode == 0, played.stdout + played.stderr
    result = json.loads(played.stdout)
    assert result["posted"] / result["seconds"] > rate * 0.95, result


def _results(end: str, alone: Mapping[str, float], within: Mapping[str, float]) -> list[Result]:
    pairs = zip((alone[key] for key in sorted(alone)), (within[key] for key in sorted(within)), strict=True)
    added = [noisy - quiet for quiet, noisy in pairs]
    figures = []
    for name, waits in (("alone", list(alone.values())), (f"within noise, {RATE}/s", list(within.values()))):
        ordered = sorted(waits)
        figures += [
            Result("noise", f"a message's POST to {end}, {name}, median", statistics.median(ordered), "ms"),
            Result("noise", f"a message's POST to {end}, {name}, p99", ordered[int(len(ordered) * 0.99)], "ms"),
            Result("noise", f"a message's POST to {end}, {name}, most of {len(ordered)}", ordered[-1], "ms"),
        ]
    return [
        *figures,
        Result("noise", f"added by the noise until {end}, median", statistics.median(added), "ms"),
        Result("noise", f"added by the noise until {end}, most", max(added), "ms", at_most=ADDED_MS),
    ]
