"""Whether the tables say all that the log says of dead letters: who acts on them must not act on old news."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters.mysql.pool import Database
from adapters.mysql.projector import PRESENT
from infra.dead_letters.filters import LetterError
from infra.errors import AwayError
from infra.kafka import connection, started
from infra.patience import kafka_of, patiently
from infra.settings import Settings
from streams import topics
from streams.consumers import stopped

_LOOK: Final = 0.25
_POSITIONS: Final = "SELECT topic, `partition`, next_offset FROM projection_offsets WHERE projection = %s"
_TOPICS: Final = (topics.DEAD_LETTER, topics.AUDIT_CHANGE)


class BehindError(LetterError, AwayError):
    """The tables are behind, and stay so."""


Ends = Mapping[tuple[str, int], tuple[int, int]]
"""Where partitions begin and end."""


async def caught_up(settings: Settings, db: Database, seconds: float) -> None:
    """Return once the tables have what was on record at the call; LetterError where they do not get there in time."""
    await reached(db, await patiently(on_record(settings), seconds, kafka_of(settings)), seconds)


async def reached(db: Database, ends: Ends, seconds: float) -> None:
    """The same, once it is known what was on record."""
    deadline = asyncio.get_running_loop().time() + seconds
    while lag := _lag(ends, await _positions(db)):
        if asyncio.get_running_loop().time() >= deadline:
            raise BehindError(
                f"The tables are behind the log of dead letters by {lag} and do not catch up: is a worker "
                "running, and can it write? `posto status` and `posto doctor` say. Nothing was done."
            )
        await asyncio.sleep(_LOOK)


async def on_record(settings: Settings) -> Ends:
    """Where the log of dead letters, and of what was done to them, begins and ends."""
    kafka = connection(settings)
    consumer = await started(lambda: AIOKafkaConsumer(*_TOPICS, **kafka, group_id=None, enable_auto_commit=False))
    try:
        places = [
            TopicPartition(topic, number) for topic in _TOPICS for number in consumer.partitions_for_topic(topic) or ()
        ]
        beginnings, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        return {(place.topic, place.partition): (beginnings[place], ends[place]) for place in places}
    finally:
        await stopped(consumer)


async def _positions(db: Database) -> dict[tuple[str, int], int]:
    rows = await db.fetch(_POSITIONS, (PRESENT,))
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


def _lag(ends: Ends, positions: dict[tuple[str, int], int]) -> int:
    return sum(max(0, end - max(beginning, positions.get(place, 0))) for place, (beginning, end) in ends.items())
