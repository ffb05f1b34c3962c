from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic

from streams.consumers import stopped
from tests.support.broker import Broker
from tests.support.topics import administering
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def test_a_consumer_stops_while_its_broker_is_away_without_cancelling_its_owner(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path)
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap_servers, retry_backoff_ms=10_000)
    async with broker.running():
        async with administering(broker.bootstrap_servers) as admin:
            await admin.create_topics([NewTopic("away", 1, 1)])
        await consumer.start()
        consumer.assign([TopicPartition("away", 0)])
        await consumer.seek_to_beginning()
        await consumer.getmany(timeout_ms=100)
    await eventually(lambda: "Failed fetch messages" in caplog.text)  # and now its fetcher pauses
    await stopped(consumer)
    await stopped(consumer)
