"""Letting go of a Kafka consumer."""

import asyncio

from aiokafka import AIOKafkaConsumer


async def stopped(consumer: AIOKafkaConsumer) -> None:
    """Stop an aiokafka consumer, also while the broker is away.

    Its own `stop` then raises the CancelledError of the fetch that it cancels, which looks as if the caller had been
    cancelled, and leaves its connections open (aiokafka 0.14, `Fetcher.close`).
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait({stopping})
    if stopping.cancelled():
        await consumer._client.close()
    else:
        stopping.result()
