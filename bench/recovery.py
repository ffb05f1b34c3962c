"""How long a worker takes to have the router's table of a million keys, how much room that takes, and forgetting it."""

import os
from collections import defaultdict
from dataclasses import replace
from functools import partial
from time import time
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from agents import router
from bench.peers.task import Task
from bench.processes import Racer
from bench.race import ROUNDS, Lap, race
from bench.result import Result
from schemas.events import Action, Coordinates, Decision, Kind
from streams import keys, topics
from streams.partitions import partition_of
from streams.runtime import Out, Publisher
from streams.seen import Seen
from tests.support.topics import administering
from tests.support.waiting import eventually

_PARTITIONS: Final = 8
_KEYS: Final = 1_000_000
_CHUNK: Final = 20_000
_MESSAGES: Final = 10
"""Every so many-th event has made a message."""
_COMMAND: Final = 450  # bytes

_SECONDS: Final = 8.0
_MEGABYTES: Final = 300.0
_PAUSE_MS: Final = 25.0
_WORKER: Final = "a worker with {:,} keys"


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """A changelog as the router writes it, read by a worker that starts. Checked: every key is there."""
    count = _KEYS // 10 if quick else _KEYS
    told = Task(
        servers=servers, group=f"bench-{os.urandom(4).hex()}", partitions=_PARTITIONS, events=0, stages=[], folder=""
    )
    await _prepare(told)
    await _write(told, count)
    name = _WORKER.format(count)
    standing = await race("recovery", {name: partial(_lap, told, count)}, 1 if quick else ROUNDS)
    wanted = {"s": _SECONDS, "MB of keys": _MEGABYTES, "ms of pause": _PAUSE_MS}
    return [replace(one, at_most=wanted.get(one.unit)) for one in standing.results()]


async def _lap(told: Task, count: int) -> Lap:
    line = await Racer("bench.peers.recovering").run(msgspec.json.encode(told).decode())
    assert line["keys"] == count, line
    assert (line["young"]["forgotten"], line["old"]["forgotten"]) == (0, count), line
    return {
        "s": line["seconds"],
        "MB of keys": line["keys_megabytes"],
        "MB in all": line["megabytes"],
        "ms of pause": max(line["young"]["pause_ms"], line["old"]["pause_ms"]),
        "s to look at all keys": line["young"]["seconds"],
    }


async def _prepare(told: Task) -> None:
    """The topics that a router has."""
    changelog = _changelog(told)
    wanted = {name: topics.BY_NAME[name] for name in (*router.SOURCES, *router.OUTPUTS, topics.DEAD_LETTER)}
    wanted[changelog] = topics.BY_NAME[topics.changelog(topics.SEEN_TABLE)]
    async with administering(told.servers) as admin:
        present = set(await admin.list_topics())
        await admin.create_topics(
            [
                NewTopic(name, topic.partition_count(_PARTITIONS), 1, topic_configs=topic.config(1))
                for name, topic in wanted.items()
                if name not in present
            ]
        )

        async def are_led() -> bool:
            found = await admin.describe_topics(list(wanted))
            return all(place["leader"] >= 0 for topic in found for place in topic["partitions"])

        await eventually(are_led, 60)


def _changelog(told: Task) -> str:
    return f"{told.group}-{topics.SEEN_TABLE}-changelog"


async def _write(told: Task, count: int) -> None:
    """Keys as the router's table holds them, and the positions behind the events that they are of."""
    written: defaultdict[int, int] = defaultdict(int)
    now = time()
    producer = AIOKafkaProducer(bootstrap_servers=told.servers, max_batch_size=262_144)
    async with producer:
        publisher = Publisher(lambda: producer)
        for first in range(0, count, _CHUNK):
            outs: defaultdict[tuple[str, int], list[Out]] = defaultdict(list)
            events: defaultdict[tuple[str, int], list[Out]] = defaultdict(list)
            for number in range(first, min(first + _CHUNK, count)):
                name = f"bench|{number}|bench.event.recorded"
                place = partition_of(name.encode(), _PARTITIONS)
                entry = _seen(name, number, now).encode(written[place])
                written[place] += 1
                outs[_changelog(told), place].append(Out(keys.id_bytes(keys.event_id(name)), entry))
                events[topics.EVENT_NORMALIZED, place].append(Out(None, b"{}"))
            await publisher.publish(outs)
            await publisher.publish(events)
    consumer = AIOKafkaConsumer(bootstrap_servers=told.servers, group_id=told.group, enable_auto_commit=False)
    async with consumer:
        positions = {TopicPartition(topics.EVENT_NORMALIZED, place): end for place, end in written.items()}
        consumer.assign(list(positions))
        await consumer.commit(positions)


def _seen(name: str, number: int, now: float) -> Seen:
    told: dict[str, Any] = {"rule_version": 1, "tenant_id": 1, "channel": "canal um"}
    commands: tuple[bytes, ...] = ()
    if number % _MESSAGES == 0:
        told |= {"action": Action.WHATSAPP, "rule_id": "billing_invoice_overdue", "template": "billing_invoice"}
        told |= {"template_version": 1, "command_id": keys.command_id(keys.event_id(name), Action.WHATSAPP)}
        commands = (bytes(_COMMAND),)
    else:
        told |= {"action": Action.NONE, "rule_id": "whatsapp_delivery_ack"}
    return Seen(
        raw=Coordinates(topics.RAW_WEBHOOK, number % _PARTITIONS, number),
        fingerprint=keys.fingerprint(number),
        revision=1,
        kind=Kind.ACCEPTED,
        received_at=now,
        decision=Decision(**told),
        commands=commands,
    )
