"""What the workers say that they have put in force, read from the beginning of `config.applied`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from schemas.applied import Applied
from streams.consumers import stopped
from streams.topics import CONFIG_APPLIED

_PLACE: Final = TopicPartition(CONFIG_APPLIED, 0)


class AppliedLog:
    """Reads the topic without a consumer group. All methods but `stop` raise KafkaError."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        """`kafka` are the arguments of every aiokafka client."""
        self.by_worker: dict[str, Applied] = {}
        self._consumer = AIOKafkaConsumer(
            **kafka, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )

    async def start(self) -> None:
        """Connect and read all that was said; to be called once."""
        await self._consumer.start()
        if CONFIG_APPLIED not in await self._consumer.topics():  # the client would ask again without a pause
            raise UnknownTopicOrPartitionError(f"no topic {CONFIG_APPLIED}")
        self._consumer.assign([_PLACE])
        await self.catch_up()

    async def stop(self) -> None:
        """Disconnect."""
        await stopped(self._consumer)

    async def catch_up(self) -> None:
        """Read all that was said before this call."""
        end = (await self._consumer.end_offsets([_PLACE]))[_PLACE]
        while await self._consumer.position(_PLACE) < end:
            await self.read(0.5)

    async def read(self, seconds: float) -> bool:
        """Wait so long for something to be said; whether it was."""
        found = (await self._consumer.getmany(_PLACE, timeout_ms=max(1, round(seconds * 1000)))).get(_PLACE, ())
        for record in found:
            worker = (record.key or b"").decode(errors="replace")
            self.by_worker.pop(worker, None)
            if record.value is not None:
                self._learn(worker, record.value)
        return bool(found)

    def _learn(self, worker: str, value: bytes) -> None:
        try:
            self.by_worker[worker] = msgspec.json.decode(value, type=Applied)
        except ValueError:
            return  # a stranger's record: its worker has said nothing that can be understood


def behind(live: Iterable[str], said: Mapping[str, Applied], wanted: Mapping[str, int]) -> list[str]:
    """The workers that have not said of all before these positions that it is in force with them."""
    return sorted(worker for worker in live if worker not in said or not said[worker].covers(wanted))
