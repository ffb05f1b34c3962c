"""aiokafka by hand: fetch, work, a batch to each partition, a commit now and then. The table is a dict, and lost."""

import asyncio
from collections import defaultdict
from time import monotonic
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.peers.task import Meter, Task, task
from bench.peers.work import Slip, Written, function_of, source_of

_COMMIT_EVERY: Final = 0.5
_BATCH_BYTES: Final = 262_144


async def work(stage: str, told: Task, producer: Any, meter: Meter) -> None:
    """Work off a stage's topic; returns once all of its events are done."""
    source, function = source_of(stage), function_of(stage)
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=told.servers,
        group_id=f"{told.group}-{source}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    rows: dict[bytes, bytes] = {}
    left, committed = told.events, monotonic()
    async with consumer:
        while left > 0:
            fetched = await consumer.getmany(timeout_ms=1_000)
            records = [record for found in fetched.values() for record in found]
            if not records:
                continue
            meter.begin()
            slip = Slip(records, told.partitions, rows)
            await function(slip)
            await send(producer, slip.written)
            left -= len(records)
            if stage == told.stages[-1]:
                meter.done(len(records))
            if monotonic() - committed >= _COMMIT_EVERY:
                await consumer.commit()
                committed = monotonic()
        await consumer.commit()


async def send(producer: Any, written: list[Written]) -> None:
    """Write records as batches and wait until Kafka has them."""
    by_partition: defaultdict[tuple[str, int], list[Written]] = defaultdict(list)
    for record in written:
        by_partition[record.topic, record.partition].append(record)
    futures = []
    for (topic, partition), records in by_partition.items():
        batch = producer.create_batch()
        for record in records:
            part = {"key": record.key, "value": record.value, "timestamp": None, "headers": record.headers}
            if batch.append(**part) is None:
                futures.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(**part)
        futures.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*futures)


async def main(told: Task) -> None:
    """All stages at once, each its own loop."""
    meter = Meter(told.events)
    producer = AIOKafkaProducer(
        bootstrap_servers=told.servers, acks="all", enable_idempotence=True, max_batch_size=_BATCH_BYTES
    )
    async with producer, asyncio.TaskGroup() as loops:
        for stage in told.stages:
            loops.create_task(work(stage, told, producer, meter))
    meter.tell()


if __name__ == "__main__":
    uvloop.run(main(task()))
