"""What `raw.webhook` has of a load: each answer's record once, under the answered id, each channel in order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams import topics

_PARTITIONS: Final = 8
_PLACES: Final = [TopicPartition(topics.RAW_WEBHOOK, number) for number in range(_PARTITIONS)]
_SECONDS: Final = 60.0

Ends = Mapping[TopicPartition, int]
_Kept = Mapping[str, Sequence[tuple[int, str]]]


async def create_topics(servers: str) -> None:
    """The topics that an edge writes to."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        names = (topics.RAW_WEBHOOK, topics.RAW_EVENT)
        await admin.create_topics(
            [NewTopic(name, _PARTITIONS, 1, topic_configs=topics.BY_NAME[name].config(1)) for name in names]
        )
    finally:
        await admin.close()


async def ends(servers: str) -> Ends:
    """Where the topic ends now."""
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        found: Ends = await consumer.end_offsets(_PLACES)
        return found


async def check(servers: str, before: Ends, answers: Iterable[str], *, has_raw_ids: bool) -> None:
    """Compare the lines of a load's answers with the records since `before`; AssertionError where they differ."""
    answered: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for line in answers:
        channel, number, answer = line.split(" ", 2)
        answered[channel].append((int(number), msgspec.json.decode(answer)["raw_id"] if has_raw_ids else ""))
    kept: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for record in await _records(servers, before):
        body = msgspec.json.decode(record.value)
        raw_id = dict(record.headers)["raw_id"].decode() if has_raw_ids else ""
        kept[body["session"]].append((int(body["id"].rpartition("3EB0")[2]), raw_id))
    assert kept == answered, f"{_count(kept)} records for {_count(answered)} answers, or not in order"


async def _records(servers: str, start: Ends) -> list[Any]:
    found: list[Any] = []
    missing = sum((await ends(servers)).values()) - sum(start.values())
    deadline = monotonic() + _SECONDS
    async with AIOKafkaConsumer(bootstrap_servers=servers, max_partition_fetch_bytes=4_194_304) as consumer:
        consumer.assign(_PLACES)
        for place, offset in start.items():
            consumer.seek(place, offset)
        while len(found) < missing:
            assert monotonic() < deadline, f"{missing - len(found)} records do not come"
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    return found


def _count(kept: _Kept) -> int:
    return sum(map(len, kept.values()))
