"""The topics as the oracle reads them: what came since a moment, and what nobody has carried out yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from agents import lookups, media, normalizer, projector, router, sender
from schemas import headers
from streams import topics
from streams.runtime.dead_letters import header
from tests.chaos.history import Entry

READ: Final = (
    topics.RAW_WEBHOOK,
    topics.RAW_EVENT,
    topics.EVENT_ACCEPTED,
    topics.COMMAND_OUTBOUND,
    topics.DELIVERY_STATUS,
    topics.DEAD_LETTER,
)
_CONSUMED: Final = sorted(
    {topic for agent in (lookups, media, normalizer, projector, router, sender) for topic in agent.SOURCES}
)
_FETCH_MS: Final = 200


class Log:
    """Async context manager; `read()` takes in what is new since the last call, beginning at `start`."""

    def __init__(self, bootstrap_servers: str, partitions: int, start: Mapping[TopicPartition, int]) -> None:
        self._servers = bootstrap_servers
        self._places = [TopicPartition(topic, number) for topic in READ for number in range(partitions)]
        self._consumed = [TopicPartition(topic, number) for topic in _CONSUMED for number in range(partitions)]
        self._start = start
        self.entries: defaultdict[str, list[Entry]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._servers, group_id=None, fetch_max_wait_ms=50)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await self._consumer.start()
        await self._admin.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_beginning()
        for place, offset in self._start.items():
            self._consumer.seek(place, offset)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def ends(self) -> dict[TopicPartition, int]:
        """Where the topics end now."""
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(self._places)
        return found

    async def read(self) -> None:
        """Take in all that there is now."""
        ends = await self.ends()
        while any([await self._consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await self._consumer.getmany(timeout_ms=_FETCH_MS)).items():
                self.entries[place.topic] += [
                    Entry(place.topic, place.partition, record.offset, _value(record)) for record in records
                ]

    async def lag(self) -> dict[str, int]:
        """How many records of each partition the workers have not carried out, where there are any.

        Offsets that hold no record, such as those of transactions' ends, are not waited for.
        """
        committed = await self._admin.list_consumer_group_offsets(topics.APP_ID)
        ends = await self._consumer.end_offsets(self._consumed)
        behind = {}
        for place, end in ends.items():
            position = committed[place].offset if place in committed else 0
            if end > position and (count := await self._records_from(place, position, end)):
                behind[f"{place.topic}/{place.partition}"] = count
        return behind

    async def _records_from(self, place: TopicPartition, position: int, end: int) -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._servers, group_id=None, fetch_max_wait_ms=20)
        await consumer.start()
        try:
            consumer.assign([place])
            consumer.seek(place, max(position, 0))
            count = 0
            while await consumer.position(place) < end:
                count += len((await consumer.getmany(place, timeout_ms=_FETCH_MS)).get(place, ()))
            return count
        finally:
            await consumer.stop()


def _value(record: Any) -> Any:
    if record.topic in topics.RAW:
        return (record.value or b"")[:200].decode(errors="replace")
    if record.topic == topics.DEAD_LETTER:
        said = {name: (header(record.headers, name) or b"").decode() for name in _DEAD}
        origin = f"{said[headers.SOURCE_TOPIC]}/{said[headers.SOURCE_PARTITION]}@{said[headers.SOURCE_OFFSET]}"
        return {**said, "origin": origin}
    return msgspec.json.decode(record.value)


_DEAD: Final[Sequence[str]] = (
    headers.STAGE,
    headers.ERROR_CLASS,
    headers.ERROR_MESSAGE,
    headers.SOURCE_TOPIC,
    headers.SOURCE_PARTITION,
    headers.SOURCE_OFFSET,
)
