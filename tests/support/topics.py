"""Topics of a test: made, written, unmade."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from streams.configuration import Record
from tests.support.waiting import eventually


@asynccontextmanager
async def administering(bootstrap_servers: str) -> AsyncIterator[Any]:
    """An admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def delete(bootstrap_servers: str, names: Iterable[str]) -> None:
    """Delete those of the topics that exist, and wait until the broker shows it."""
    wanted = frozenset(names)
    async with administering(bootstrap_servers) as admin:

        async def are_gone() -> bool:
            return not wanted & set(await admin.list_topics())

        await admin.delete_topics(sorted(wanted & set(await admin.list_topics())))
        await eventually(are_gone)


async def write(bootstrap_servers: str, records: Iterable[Record]) -> None:
    """Write records one after the other."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers) as producer:
        for record in records:
            await producer.send_and_wait(record.topic, record.value, key=record.key)


async def read(bootstrap_servers: str, topic: str) -> list[Any]:
    """All records of a topic, those of transactions that were not committed among them."""
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest") as consumer:
        records: list[Any] = []
        for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
            while await consumer.position(partition) < end:
                for found in (await consumer.getmany(partition, timeout_ms=200)).values():
                    records += found  # none where nothing is left but the end of a transaction
        return records
