"""Where partitions end, and whether Kafka takes records at all: asked beside the worker's own clients."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.consumers import stopped

log = structlog.get_logger()

_ANSWER_SECONDS: Final = 5.0

Place = tuple[str, int]


class Ends:
    """Asks Kafka, with a client of its own: what hangs in the worker does not hang here.

    `connection`: keyword arguments that every aiokafka client takes. `in_sync`: how many copies of a partition must be
    there before a record counts as written.
    """

    def __init__(self, connection: Mapping[str, Any], in_sync: int = 1) -> None:
        self._connection = connection
        self._in_sync = in_sync
        self._consumer: AIOKafkaConsumer | None = None

    async def of(self, places: Collection[Place]) -> Mapping[Place, int] | None:
        """The offset after the last record of each partition; None where Kafka does not say it in time."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                consumer = await self._connected()
                ends = await consumer.end_offsets([TopicPartition(*place) for place in places])
        except (KafkaError, OSError) as error:  # a timeout among them
            log.warning("kafka_does_not_answer", error=repr(error))
            await self.close()
            return None
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def are_written(self, topics: Iterable[str]) -> bool:
        """Whether every partition of these topics has a leader and enough copies to take a record."""
        admin = AIOKafkaAdminClient(**self._connection)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await admin.start()
                described = await admin.describe_topics(sorted(set(topics)))
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        partitions = [partition for topic in described for partition in topic["partitions"]]
        return all(partition["leader"] >= 0 and len(partition["isr"]) >= self._in_sync for partition in partitions)

    async def close(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stopped(consumer)

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(**self._connection, group_id=None, enable_auto_commit=False)
            await self._consumer.start()
        return self._consumer
