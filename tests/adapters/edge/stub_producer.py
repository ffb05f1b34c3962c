"""A producer whose batches are confirmed, or fail, when the test says so."""

import asyncio

from tests.support.waiting import eventually


class Batch:
    """A batch that takes three entries."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, key: bytes | None, value: bytes, timestamp: None, headers: object) -> object | None:
        if len(self.values) == 3:
            return None
        self.values.append(value)
        return object()


class StubProducer:
    """Notes the batches that it is given, each with the future of its confirmation."""

    def __init__(self) -> None:
        self.client = StubClient()
        self.is_stopped = False
        self.sent: list[tuple[list[bytes], asyncio.Future[None]]] = []

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[None]":
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent.append((batch.values, confirmed))
        return confirmed

    async def nth(self, number: int) -> "asyncio.Future[None]":
        """The confirmation of a batch, once it is sent."""
        await eventually(lambda: len(self.sent) > number, interval=0.001)
        return self.sent[number][1]

    @property
    def values(self) -> list[list[bytes]]:
        return [values for values, _ in self.sent]

    async def stop(self) -> None:
        self.is_stopped = True


class StubClient:
    """Kafka's metadata: `answers` is whether it can be had, `partitions` how many each topic has."""

    def __init__(self) -> None:
        self.answers = True
        self.partitions: dict[str, int] = {"raw.event": 1, "raw.webhook": 2}

    @property
    def cluster(self) -> "StubClient":
        return self

    async def force_metadata_update(self) -> bool:
        return self.answers

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.partitions[topic])) if topic in self.partitions else None
