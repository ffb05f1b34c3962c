"""Raw records by their places, from a real broker."""

import gc
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from schemas.events import Coordinates
from streams.raw_log import KafkaRawLog
from tests.support.topics import administering, delete

pytestmark = pytest.mark.integration

LARGE = 5_000_000


@pytest.fixture
async def topic(kafka: str) -> AsyncIterator[str]:
    """A topic of one partition: ten small records, of which the fifth is large."""
    name = f"raw.{uuid4().hex}"
    async with administering(kafka) as admin:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"max.message.bytes": "6000000"})])
    async with AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=6_000_000) as producer:
        for number in range(10):
            await producer.send_and_wait(name, b"%d" % number if number != 5 else bytes(LARGE))
    yield name
    await delete(kafka, [name])


async def test_records_come_in_the_order_that_is_asked_for_and_what_is_not_there_is_none(
    kafka: str, topic: str
) -> None:
    log = KafkaRawLog({"bootstrap_servers": kafka})
    asked = [Coordinates(topic, 0, offset) for offset in (7, 2, 3, 10_000, 9, 0)]

    found = [(place.offset, record and record.value) async for place, record in log.read(asked)]

    assert found == [(7, b"7"), (2, b"2"), (3, b"3"), (10_000, None), (9, b"9"), (0, b"0")]


async def test_a_record_that_is_larger_than_a_fetch_comes_all_the_same(kafka: str, topic: str) -> None:
    log = KafkaRawLog({"bootstrap_servers": kafka})
    asked = [Coordinates(topic, 0, offset) for offset in (4, 5, 6)]

    found = [len(record.value or b"") async for _, record in log.read(asked) if record]

    assert found == [1, LARGE, 1]


async def test_a_broker_that_is_away_is_an_error_of_kafka_and_leaves_no_client_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = KafkaRawLog({"bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(KafkaError):
        await anext(log.read([Coordinates("raw.webhook", 0, 0)]))

    gc.collect()
    assert "Unclosed" not in caplog.text
