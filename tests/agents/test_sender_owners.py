"""Processes that own the sender's partitions by turns, in a real Kafka: one joins, stops, dies or stands still."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from infra.stack.layout import CHECKOUT
from schemas.commands import Command
from schemas.deliveries import DeliveryFact, Evidence, FactKind, Status
from streams import topics
from streams.deliveries import fold
from streams.partitions import partition_of
from streams.runtime.stage import EXIT_CODE
from streams.sending.log import KafkaStatusLog
from tests.agents.sending_worker import PARTITIONS
from tests.streams.sending.world import command
from tests.support.topics import administering, delete, read, write
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

USED = (
    topics.COMMAND_OUTBOUND,
    topics.DELIVERY_EVIDENCE,
    topics.DELIVERY_STATUS,
    topics.DEAD_LETTER,
    topics.changelog(topics.DELIVERIES_TABLE),
)


@dataclass
class Written:
    """A record to write."""

    topic: str
    key: bytes
    value: bytes | None


@dataclass(frozen=True)
class Asked:
    """A request that reached the gateway."""

    command_id: str
    attempt: int
    pid: int


class Senders:
    """Workers that only send, and the gateway that they send to."""

    def __init__(self, servers: str, folder: Path) -> None:
        self.servers = servers
        self.asked: list[Asked] = []
        self.answered: set[Asked] = set()
        self.answers = asyncio.Event()
        self.answers.set()
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self._port = 0

    async def serve(self) -> None:
        """Be a gateway until cancelled: each request is answered after a moment, or once `answers` is set."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        async with server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode().split()
        if line:
            asked = Asked(line[0], int(line[1]), int(line[2]))
            self.asked.append(asked)
            await asyncio.sleep(0.05)
            await self.answers.wait()
            self.answered.add(asked)
            writer.write(b"sent\n")
        writer.close()

    def unanswered(self) -> list[Asked]:
        """The requests that wait for their answer."""
        return [asked for asked in self.asked if asked not in self.answered]

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start one more worker."""
        with (self._folder / f"worker-{len(self._workers)}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.agents.sending_worker", self.servers, str(self._port), *options],
                cwd=CHECKOUT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._workers.append(worker)
        return worker

    def end(self) -> None:
        """Kill what is left."""
        for worker in self._workers:
            worker.kill()
            worker.wait()

    def owned(self, worker: "subprocess.Popen[bytes]") -> list[int]:
        """The partitions that a worker said it took over, in that order."""
        log = (self._folder / f"worker-{self._workers.index(worker)}.log").read_text()
        return [
            int(line.split("partition=")[1].split()[0]) for line in log.splitlines() if "partition_taken_over" in line
        ]

    async def send(self, commands: Iterable[Command]) -> None:
        """Write commands."""
        await write(self.servers, [_record(each) for each in commands])

    async def feed(self, name: str, enough: asyncio.Event) -> int:
        """Write some 200 commands a second until there are enough; how many it were."""
        count = 0
        async with AIOKafkaProducer(bootstrap_servers=self.servers) as producer:
            while not enough.is_set():
                for each in commands(name, 10, start=count):
                    await producer.send(topics.COMMAND_OUTBOUND, _record(each).value, key=each.channel.encode())
                count += 10
                with suppress(TimeoutError):
                    await asyncio.wait_for(enough.wait(), 0.05)
        return count

    async def facts(self) -> dict[str, list[DeliveryFact]]:
        """The log by command."""
        facts: dict[str, list[DeliveryFact]] = {}
        for record in await read(self.servers, topics.DELIVERY_STATUS):
            fact = msgspec.json.decode(record.value, type=DeliveryFact)
            facts.setdefault(fact.command_id, []).append(fact)
        return facts

    async def statuses(self) -> Counter[Status]:
        """How many commands are in each state."""
        return Counter(fold(facts).status for facts in (await self.facts()).values())

    async def doubts(self) -> set[tuple[str, int]]:
        """The attempts that were ever in doubt."""
        return {
            (fact.command_id, fact.attempt)
            for facts in (await self.facts()).values()
            for fact in facts
            if fact.fact is FactKind.IN_DOUBT
        }


@pytest.fixture
async def senders(hub_kafka: str, tmp_path: Path) -> AsyncIterator[Senders]:
    async with administering(hub_kafka) as admin:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in USED])
    senders = Senders(hub_kafka, tmp_path)
    serving = asyncio.create_task(senders.serve())
    await eventually(lambda: senders._port)
    yield senders
    senders.end()
    serving.cancel()
    await asyncio.wait({serving})
    await delete(hub_kafka, USED)


CHANNELS = [f"canal{number}" for number in range(8)]


def commands(name: str, count: int, *, start: int = 0) -> list[Command]:
    """Commands on eight channels, each to a contact of its own."""
    return [
        command(f"{name}{number}", channel=CHANNELS[number % len(CHANNELS)], contact=f"55479999{number:05d}")
        for number in range(start, start + count)
    ]


def _record(each: Command) -> Written:
    return Written(topics.COMMAND_OUTBOUND, each.channel.encode(), msgspec.json.encode(each))


async def test_a_worker_that_joins_in_the_middle_of_sends_and_one_that_is_killed(senders: Senders) -> None:
    """Joining leaves nothing in doubt; the kill only what was on its way; nothing is lost, nothing is sent twice.

    A worker whose partition somebody else has claimed, at last, sends nothing more and ends to be started anew.
    """
    first = senders.start()
    await eventually(lambda: len(senders.owned(first)) == PARTITIONS, 60)
    enough = asyncio.Event()
    feeding = asyncio.create_task(senders.feed("one", enough))
    await eventually(lambda: len(senders.asked) > 50, 60)
    second = senders.start()
    await eventually(lambda: any(asked.pid == second.pid for asked in senders.asked), 60)
    assert await senders.doubts() == set()

    senders.answers.clear()
    await eventually(lambda: any(each.pid == first.pid for each in senders.unanswered()), 60)
    first.kill()
    first.wait()
    on_its_way = {(each.command_id, each.attempt) for each in senders.unanswered()}
    senders.answers.set()
    enough.set()
    count = await feeding
    await eventually(lambda: _settled(senders, count), 60)
    doubts = await senders.doubts()
    assert doubts
    assert doubts <= on_its_way
    assert await senders.statuses() == {Status.SENT: count - len(doubts), Status.UNCERTAIN: len(doubts)}
    assert set(Counter(asked.command_id for asked in senders.asked).values()) == {1}

    stranger = KafkaStatusLog({"bootstrap_servers": senders.servers})
    for partition in range(PARTITIONS):
        await stranger.claim(partition)
    await senders.send(commands("more", 1))
    await eventually(lambda: second.poll() is not None, 60)
    assert second.returncode == EXIT_CODE
    assert len(senders.asked) == count
    for partition in range(PARTITIONS):
        await stranger.let_go(partition)


async def _settled(senders: Senders, count: int) -> bool:
    statuses = await senders.statuses()
    return statuses[Status.SENT] + statuses[Status.UNCERTAIN] == count


async def test_what_a_worker_that_stood_still_had_not_sent_when_it_was_replaced_is_sent_once(senders: Senders) -> None:
    sleeper, other = senders.start("--stop-at-first-attempt"), senders.start()

    def have_one_each() -> bool:
        return {*senders.owned(sleeper)[-1:], *senders.owned(other)[-1:]} == set(range(PARTITIONS))

    await eventually(have_one_each, 60)
    partition = senders.owned(sleeper)[-1]
    name = next(name for name in CHANNELS if partition_of(name.encode(), PARTITIONS) == partition)
    one = command("one", channel=name)
    await senders.send([one])

    async def is_in_doubt() -> bool:
        return (one.command_id, 1) in await senders.doubts()

    await eventually(is_in_doubt, 60)
    assert senders.asked == []
    os.kill(sleeper.pid, signal.SIGCONT)

    async def is_told() -> bool:
        told = [record.value for record in await read(senders.servers, topics.DELIVERY_EVIDENCE)]
        late = [msgspec.json.decode(value, type=Evidence) for value in told]
        return {(one.command_id, 1, "withdrawn")} <= {(e.command_id, e.attempt, e.detail["answer"]) for e in late}

    await eventually(is_told, 60)
    await eventually(lambda: _is_sent(senders), 60)
    assert [asked.command_id for asked in senders.asked] == [one.command_id]


async def _is_sent(senders: Senders) -> bool:
    return await senders.statuses() == {Status.SENT: 1}
