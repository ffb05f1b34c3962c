"""A broker without a network: it takes, hangs, fails or is away as the test says, and keeps what it took."""

import asyncio
from typing import Any

from aiokafka.errors import MessageSizeTooLargeError

from tests.adapters.edge.stub_producer import StubClient


class StubBroker:
    """Keeps values by topic and partition, in the order in which it took them.

    `is_up` is whether it takes batches at all; until then they hang, as those of an idempotent producer do.
    """

    def __init__(self) -> None:
        self.partitions = {"raw.webhook": 2, "raw.event": 1}
        self.taken: list[tuple[str, int, bytes]] = []
        self.largest = 1_000_000
        self.up = asyncio.Event()
        self.up.set()
        self.producers: list[StubBrokersProducer] = []
        self.loses_answers = 0
        """So many batches are taken and then fail for their producer."""
        self.fails = 0
        """So many batches fail and are not taken."""

    async def connect(self) -> "StubBrokersProducer":
        """A started producer, once the broker is up."""
        await self.up.wait()
        self.producers.append(StubBrokersProducer(self))
        return self.producers[-1]

    @property
    def values(self) -> list[bytes]:
        return [value for _, _, value in self.taken]


class StubBrokersProducer:
    """What KafkaLog uses of an AIOKafkaProducer."""

    def __init__(self, broker: StubBroker) -> None:
        self._broker = broker
        self._hanging: set[asyncio.Task[None]] = set()
        self.client = StubClient()
        self.client.partitions = broker.partitions
        self._sender = self
        self.sender_task: Any = self

    def create_batch(self) -> "StubBatch":
        return StubBatch()

    async def send_batch(self, batch: "StubBatch", topic: str, *, partition: int) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._take(batch.values, topic, partition))
        self._hanging.add(task)
        task.add_done_callback(self._hanging.discard)
        return task

    async def _take(self, values: list[bytes], topic: str, partition: int) -> None:
        broker = self._broker
        await broker.up.wait()
        if any(len(value) > broker.largest for value in values):
            raise MessageSizeTooLargeError
        if broker.fails:
            broker.fails -= 1
            raise ConnectionError("the request was lost")
        broker.taken += [(topic, partition, value) for value in values]
        if broker.loses_answers:
            broker.loses_answers -= 1
            raise ConnectionError("the answer was lost")

    async def stop(self) -> None:
        for task in self._hanging:
            task.cancel()


class StubBatch:
    """A batch without an end."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, key: bytes | None, value: bytes, timestamp: None, headers: object) -> object:
        self.values.append(value)
        return self
