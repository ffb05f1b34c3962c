"""Where stages race: a broker with a backlog, racers that work it off, and a look at what came out."""

import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from bench import backlog
from bench.peers.task import Task
from bench.peers.work import Given, normalizing
from bench.processes import Racer
from bench.race import Lap
from streams import topics
from streams.partitions import partition_of
from streams.runtime import Batch, Out, Publisher
from tests.support.topics import administering, delete
from tests.support.waiting import eventually

NORMALIZER: Final = "normalizer"
ROUTER: Final = "router"
SPEED, CPU, MEMORY = "events/s", "us of CPU/event", "MB"
"""The units of a lap."""

_CHUNK: Final = 20_000
_BATCH_BYTES: Final = 262_144
_SECONDS: Final = 280.0
_STAMPED: Final = {"message.timestamp.type": "LogAppendTime"}
"""So that the broker's clock says how long it took, whoever races."""


@dataclass
class Course:
    """A broker whose keyed topics have `partitions`, with a backlog of `total` records on `raw.event`.

    `event.normalized` has them as well where `is_normalized`, as our normalizer makes them.
    """

    servers: str
    partitions: int
    total: int
    is_normalized: bool = False
    _places: dict[str, int] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Make the topics anew and write the backlog."""
        names = {backlog.ordering_key(number) for number in range(backlog.KEYS)}
        self._places = {name: partition_of(name.encode(), self.partitions) for name in names}
        await delete(self.servers, topics.BY_NAME)
        await self._create(*topics.BY_NAME)
        await self._write(range(self.total))

    async def run(self, racer: Racer, stages: Sequence[str], events: int) -> Lap:
        """Let a racer work off the last `events` of the backlog, and look at what it wrote."""
        first = self.total - events
        source = topics.RAW_EVENT if NORMALIZER in stages else topics.EVENT_NORMALIZED
        begin = backlog.before(first, self._places)
        positions = {TopicPartition(source, number): begin[number] for number in range(self.partitions)}
        ends = await self._ends(topics.EVENT_ACCEPTED)
        async with self._task(stages, events, positions) as task:
            cost = await racer.run(msgspec.json.encode(task).decode())
        return await self._lap(first, ends, [cost])

    async def run_several(self, racer: Racer, stages: Sequence[str], events: int, processes: int) -> Lap:
        """Let processes share `events` that are written once all have their partitions."""
        first, self.total = self.total, self.total + events
        ends = await self._ends(topics.EVENT_ACCEPTED)
        goal = sum(ends.values()) + events

        async def are_done() -> bool:
            return sum((await self._ends(topics.EVENT_ACCEPTED)).values()) >= goal

        async with self._task(stages, events, await self._ends(topics.RAW_EVENT)) as task:
            started = [await racer.start(msgspec.json.encode(task).decode()) for _ in range(processes)]
            try:
                await eventually(lambda: self._share(task.group, processes), _SECONDS, interval=0.2)
                await self._write(range(first, self.total))
                await eventually(are_done, _SECONDS, interval=0.5)
            finally:
                for running in started:
                    running.stop()
            costs = [await running.told() for running in started]
        return await self._lap(first, ends, costs)

    async def _share(self, group: str, processes: int) -> bool:
        """Whether so many members have the group's partitions."""
        async with administering(self.servers) as admin:
            [answer] = await admin.describe_consumer_groups([group])
            [(_, _, state, _, _, members, *_)] = answer.groups
            return bool(state == "Stable" and len(members) == processes)

    @asynccontextmanager
    async def _task(self, stages: Sequence[str], events: int, positions: Mapping[Any, int]) -> AsyncIterator[Task]:
        """A task whose group begins at the positions, and at the end of what no stage is to find there."""
        group = f"bench-{os.urandom(4).hex()}"
        begin = await self._ends(topics.EVENT_NORMALIZED) | dict(positions)
        for name in (group, *(f"{group}-{topic}" for topic in (topics.RAW_EVENT, topics.EVENT_NORMALIZED))):
            await self._set_out(name, begin)
        await self._create(f"{group}-{topics.SEEN_TABLE}-changelog")
        with tempfile.TemporaryDirectory(prefix="posto-racer-") as folder:
            yield Task(
                servers=self.servers,
                group=group,
                partitions=self.partitions,
                events=events,
                stages=list(stages),
                folder=folder,
            )

    async def _lap(self, first: int, ends: Mapping[Any, int], costs: Sequence[Mapping[str, float]]) -> Lap:
        return {
            SPEED: await self._checked(first, ends),
            CPU: sum(cost["cpu_seconds"] for cost in costs) / (self.total - first) * 1e6,
            MEMORY: max(cost["megabytes"] for cost in costs),
        }

    async def _checked(self, first: int, ends: Mapping[Any, int]) -> float:
        """Events a second from the first batch to the last; AssertionError where what came out is not what had to."""
        found: defaultdict[str, list[backlog.Sighting]] = defaultdict(list)
        stamps: Counter[int] = Counter()
        async for record in _between(self.servers, ends, await self._ends(topics.EVENT_ACCEPTED)):
            event = _decode(record.value)
            found[event.stream_key].append(backlog.Sighting(event.payload.number, event.kind))
            stamps[record.timestamp] += 1
        for key, sightings in backlog.expected(first, self.total).items():
            assert found[key] == sightings, f"{key}: {len(sightings)} expected, {len(found[key])} found, or in disorder"
        began, ended = min(stamps), max(stamps)
        return (stamps.total() - stamps[began]) / max(ended - began, 1) * 1000

    async def _write(self, numbers: range) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.servers, max_batch_size=_BATCH_BYTES)
        async with producer:
            publisher = Publisher(lambda: producer)
            for first in range(numbers.start, numbers.stop, _CHUNK):
                records = self._records(range(first, min(first + _CHUNK, numbers.stop)))
                await publisher.publish(_by_place(records))
                if self.is_normalized:
                    batch = Batch("bench", records, dict.fromkeys(topics.BY_NAME, self.partitions), None)
                    await normalizing()(batch)
                    await publisher.publish(batch.outputs)

    def _records(self, numbers: range) -> list[Given]:
        offsets = backlog.before(numbers.start, self._places)
        records = []
        for number in numbers:
            key = backlog.ordering_key(number)
            place = self._places[key]
            value = backlog.raw_event(number)
            records.append(Given(topics.RAW_EVENT, place, offsets[place], 1_768_478_400_000, key.encode(), value, ()))
            offsets[place] += 1
        return records

    async def _create(self, *names: str) -> None:
        """Make declared topics, and changelogs of the router's table by any name."""
        changelog = topics.BY_NAME[topics.changelog(topics.SEEN_TABLE)]
        made = [
            NewTopic(name, topic.partition_count(self.partitions), 1, topic_configs=topic.config(1) | _STAMPED)
            for name in names
            for topic in [topics.BY_NAME.get(name, changelog)]
        ]
        async with administering(self.servers) as admin:
            await admin.create_topics(made)

            async def are_seen() -> bool:
                return set(names) <= set(await admin.list_topics())

            await eventually(are_seen, _SECONDS)

    async def _ends(self, topic: str) -> dict[Any, int]:
        places = [TopicPartition(topic, number) for number in range(self.partitions)]
        async with AIOKafkaConsumer(bootstrap_servers=self.servers) as consumer:
            ends: dict[Any, int] = await consumer.end_offsets(places)
            return ends

    async def _set_out(self, group: str, positions: Mapping[Any, int]) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers, group_id=group, enable_auto_commit=False)
        async with consumer:
            consumer.assign(list(positions))
            await consumer.commit(dict(positions))


class _Payload(msgspec.Struct):
    number: int


class _Accepted(msgspec.Struct):
    stream_key: str
    kind: str
    payload: _Payload


_decode: Final = msgspec.json.Decoder(_Accepted).decode


def _by_place(records: Sequence[Given]) -> dict[tuple[str, int], list[Out]]:
    outs: defaultdict[tuple[str, int], list[Out]] = defaultdict(list)
    for record in records:
        outs[record.topic, record.partition].append(Out(record.key, record.value))
    return outs


@asynccontextmanager
async def _reading(servers: str, begin: Mapping[Any, int]) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, max_partition_fetch_bytes=4_194_304
    )
    async with consumer:
        consumer.assign(list(begin))
        for place, offset in begin.items():
            consumer.seek(place, offset)
        yield consumer


async def _between(servers: str, begin: Mapping[Any, int], end: Mapping[Any, int]) -> AsyncIterator[Any]:
    """All records of some partitions between two positions, each partition's in order."""
    left = sum(end.values()) - sum(begin.values())
    async with _reading(servers, begin) as consumer:
        while left > 0:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                left -= len(records)
                for record in records:
                    yield record
