"""The topics of the configuration, read from their beginning."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from streams.configuration import Published
from streams.consumers import stopped

_REQUEST_TIMEOUT_MS: Final = 10_000
_WAIT_MS: Final = 500


class ConfigurationLog:
    """Reads topics of one partition each, without a consumer group, and folds their records.

    `published` is what was read so far, `positions` has of each topic the first offset that was not. All methods but
    `stop` raise KafkaError where the broker is away; then a new log is needed.
    """

    def __init__(self, kafka: Mapping[str, Any], topics: Iterable[str]) -> None:
        self.published = Published()
        self.positions: dict[str, int] = {}
        self._partitions = [TopicPartition(topic, 0) for topic in topics]
        self._consumer = AIOKafkaConsumer(
            **kafka,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
            metadata_max_age_ms=_REQUEST_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Connect; to be called once. UnknownTopicOrPartitionError where a topic does not exist yet."""
        await self._consumer.start()
        missing = {partition.topic for partition in self._partitions} - await self._consumer.topics()
        if missing:  # the client would ask for them again and again without a pause
            raise UnknownTopicOrPartitionError(f"no topic {', '.join(sorted(missing))}")
        self._consumer.assign(self._partitions)

    async def stop(self) -> None:
        """Disconnect."""
        await stopped(self._consumer)

    async def read(self) -> bool:
        """Wait up to half a second for records and apply them; True where there were any."""
        batches = await self._consumer.getmany(timeout_ms=_WAIT_MS)
        if batches:
            self.positions |= {place.topic: records[-1].offset + 1 for place, records in batches.items()}
            self.published = self.published.after(chain.from_iterable(batches.values()))
        return bool(batches)

    async def read_to_end(self) -> None:
        """Apply all that was written before this call."""
        ends = await self._consumer.end_offsets(self._partitions)
        for partition, end in ends.items():
            while await self._consumer.position(partition) < end:
                await self.read()
            self.positions[partition.topic] = max(end, self.positions.get(partition.topic, 0))
