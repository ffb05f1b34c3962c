"""How far the workers are behind, as Kafka says it."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents import http, lookups, media, normalizer, projector, router, sender
from infra.figures.lag import Lag, read_lags
from infra.kafka import connection
from infra.settings import Settings
from streams import topics


@pytest.fixture
async def producer(hub: Settings) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**connection(hub)) as producer:
        yield producer


async def _lags(hub: Settings) -> dict[str, Lag]:
    return {lag.topic: lag for lag in await read_lags(connection(hub))}


async def _commit(hub: Settings, topic: str, offset: int) -> None:
    async with AIOKafkaConsumer(**connection(hub), group_id=topics.APP_ID, enable_auto_commit=False) as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.commit({place: offset})


def test_what_the_agents_take_is_what_is_looked_at() -> None:
    taken = {
        source for agent in (normalizer, router, sender, media, lookups, http, projector) for source in agent.SOURCES
    }
    assert set(topics.WORKED) == taken


@pytest.mark.integration
async def test_what_was_never_committed_is_behind_and_what_was_is_not(
    hub: Settings, producer: AIOKafkaProducer
) -> None:
    began = datetime.now(UTC)
    for _ in range(3):
        await producer.send_and_wait(topics.RAW_EVENT, os.urandom(8_000))
        await producer.send_and_wait(topics.RAW_WEBHOOK, b"{}")

    await _commit(hub, topics.RAW_WEBHOOK, 3)
    lags = await _lags(hub)

    assert [lag.topic for lag in lags.values()] == list(topics.WORKED)
    assert lags[topics.RAW_EVENT].records == 3
    assert (oldest := lags[topics.RAW_EVENT].oldest_at) is not None
    assert abs((oldest - began).total_seconds()) < 5
    assert lags[topics.RAW_WEBHOOK] == Lag(topics.RAW_WEBHOOK, 0, None)

    await _commit(hub, topics.RAW_EVENT, 1)
    assert (await _lags(hub))[topics.RAW_EVENT].records == 2


@pytest.mark.integration
async def test_the_marker_of_a_transaction_is_no_lag(hub: Settings) -> None:
    async with AIOKafkaProducer(**connection(hub), transactional_id=os.urandom(4).hex()) as producer:
        for _ in range(2):
            async with producer.transaction():
                await producer.send_and_wait(topics.DELIVERY_STATUS, b"{}")  # ends at 1 and 3, markers at 1 and 3

    for committed, records in ((1, 2), (3, 0)):
        await _commit(hub, topics.DELIVERY_STATUS, committed)
        assert (await _lags(hub))[topics.DELIVERY_STATUS].records == records, committed
