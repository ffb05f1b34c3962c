"""One run of the test worker: its topics, its folder, its processes, and what came out."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError, TopicAlreadyExistsError

from infra.stack.layout import CHECKOUT
from streams import topics
from tests.support.waiting import eventually

PARTITIONS = 4


class Cluster:
    """Async context manager; the workers that are left are ended with it."""

    def __init__(self, servers: str, folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        self.prefix = f"runtime-{os.urandom(4).hex()}"
        self.workers: list[subprocess.Popen[bytes]] = []

    async def __aenter__(self) -> Self:
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await self.admin.start()
        await self.admin.create_topics(
            [
                NewTopic(f"{self.prefix}.in", PARTITIONS, 1, topic_configs={"max.message.bytes": "8000000"}),
                NewTopic(f"{self.prefix}.out", PARTITIONS, 1),
                NewTopic(f"{self.prefix}-seen-changelog", PARTITIONS, 1, topic_configs={"cleanup.policy": "compact"}),
            ]
        )
        dead_letter = NewTopic(topics.DEAD_LETTER, PARTITIONS, 1, topic_configs={"max.message.bytes": "18000000"})
        with contextlib.suppress(TopicAlreadyExistsError):
            await self.admin.create_topics([dead_letter])
        self.producer = AIOKafkaProducer(
            bootstrap_servers=self.servers, linger_ms=2, max_request_size=8_000_000, enable_idempotence=True
        )
        await self.producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        await self.producer.stop()
        await self.admin.close()

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        with (self.folder / f"worker-{len(self.workers)}.log").open("wb") as log:
            worker = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.streams.runtime.worker",
                    self.prefix,
                    self.servers,
                    self.folder,
                    *options,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=CHECKOUT,
            )
        self.workers.append(worker)
        return worker

    async def stop(self, worker: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
        """End a worker; its exit code."""
        worker.send_signal(number)
        await self.ended(worker)
        return worker.returncode

    async def ended(self, worker: subprocess.Popen[bytes]) -> int:
        """Wait for a worker to end by itself; its exit code."""
        await eventually(lambda: worker.poll() is not None, 40, because=f"worker did not end: {self.logs()}")
        return worker.returncode

    def joined(self) -> bool:
        """Whether every live worker has recovered its table at least once."""
        path = self.folder / "recovered"
        ready = {line.split()[0] for line in path.read_text().splitlines()} if path.exists() else set()
        return all(str(worker.pid) in ready for worker in self.workers if worker.poll() is None)

    def logs(self) -> str:
        """The end of what each worker said."""
        return "\n".join(path.read_text()[-2000:] for path in sorted(self.folder.glob("worker-*.log")))

    async def send(self, value: bytes | None, *, partition: int | None = None) -> None:
        """Send one input record; return when it is stored."""
        await self.producer.send_and_wait(f"{self.prefix}.in", value, partition=partition, key=b"any")

    async def send_numbers(self, numbers: Any) -> None:
        """Send `number|text` records, keyed by their number."""
        last = None
        for number in numbers:
            last = await self.producer.send(f"{self.prefix}.in", b"%d|x" % number, key=b"%d" % number)
        if last:
            await last

    async def committed(self) -> dict[int, int]:
        """The committed position of each input partition that has one."""
        try:
            offsets = await self.admin.list_consumer_group_offsets(self.prefix)
        except GroupCoordinatorNotAvailableError:  # the first group of a broker: its topic is being made
            return {}
        return {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == f"{self.prefix}.in"}

    async def drained(self) -> bool:
        """Whether all that was sent is committed."""
        ends = await self._ends(f"{self.prefix}.in")
        committed = await self.committed()
        return all(committed.get(tp.partition, 0) == end for tp, end in ends.items() if end)

    async def read(self, topic: str) -> list[Any]:
        """All records of a topic, as they are now."""
        ends = await self._ends(topic)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers, fetch_max_wait_ms=50)
        await consumer.start()
        try:
            consumer.assign(list(ends))
            await consumer.seek_to_beginning()
            records: list[Any] = []
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for fetched in (await consumer.getmany(timeout_ms=200)).values():
                    records += fetched
            return records
        finally:
            await consumer.stop()

    async def outputs(self) -> dict[bytes, set[bytes]]:
        """The distinct values that came out, by number."""
        found: defaultdict[bytes, set[bytes]] = defaultdict(set)
        for record in await self.read(f"{self.prefix}.out"):
            found[record.key].add(record.value)
        return found

    async def dead_letters(self) -> list[Any]:
        """The dead letters of this run's input topic."""
        letters = await self.read(topics.DEAD_LETTER)
        return [letter for letter in letters if letter.key.startswith(f"{self.prefix}.in/".encode())]

    def durable(self) -> dict[int, int]:
        """Up to where each partition was carried out without a hole, by the workers' own notes."""
        done: defaultdict[int, set[int]] = defaultdict(set)
        for path in self.folder.glob("done-*"):
            for line in path.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    partition, offset = line.split()
                    done[int(partition)].add(int(offset))
        return {partition: _prefix(offsets) for partition, offsets in done.items()}

    async def _ends(self, topic: str) -> dict[TopicPartition, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers)
        await consumer.start()
        try:
            partitions = consumer.partitions_for_topic(topic)
            while partitions is None:
                await consumer._client.force_metadata_update()
                partitions = (await consumer.topics() and consumer.partitions_for_topic(topic)) or None
            ends: dict[TopicPartition, int] = await consumer.end_offsets([TopicPartition(topic, p) for p in partitions])
            return ends
        finally:
            await consumer.stop()


def _prefix(offsets: set[int]) -> int:
    end = 0
    while end in offsets:
        end += 1
    return end
