"""Three brokers that are one cluster: one of them may die."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from adapters.edge.kafka import KafkaLog, make_producer
from adapters.edge.log import Entry
from adapters.edge.spool.slots import Slots
from adapters.edge.spool.spool import SpoolLimits
from adapters.edge.spooled import SpooledLog
from infra.errors import StackError
from infra.stack import kafka, ports, up
from infra.stack.foreground import starting
from infra.stack.layout import Layout
from tests.support.servers import jars
from tests.support.stack import own_ports
from tests.support.waiting import eventually

TOPIC = "replicated"
PARTITIONS = 6


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[int]]:
    """The ports of three running brokers, with a topic that has three copies."""
    first = int(own_ports(brokers=3)["POSTO_KAFKA_PORT"])
    broker_ports = [first, first + 1, first + 2]
    log = tmp_path / "kafka.log"
    programs = kafka.prepare_all(tmp_path / "kafka", broker_ports, jars(tmp_path / "kafka", log), log)
    with ExitStack() as stack:
        waits = [stack.enter_context(starting(one, tmp_path / f"{one.name}.log")) for one in programs]
        for wait in waits:
            wait()
        asyncio.run(_create_topic(f"127.0.0.1:{first}"))
        yield broker_ports
        for port in broker_ports:
            _kill(port)


async def _create_topic(servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 3)])
    await admin.close()


@pytest.mark.integration
async def test_one_of_three_brokers_dies_and_nothing_stops_and_nothing_is_lost(
    cluster: list[int], tmp_path: Path
) -> None:
    servers = ",".join(f"127.0.0.1:{port}" for port in cluster)

    async def connect() -> Any:
        producer = make_producer({"bootstrap_servers": servers})
        await producer.start()
        return producer

    log = SpooledLog(
        KafkaLog(connect, (TOPIC,), timeout_seconds=5),
        Slots(tmp_path / "spool"),
        SpoolLimits(100_000_000, 100_000),
        after_seconds=0.5,
        timeout_seconds=5,
        look_seconds=60,
    )
    kept: list[int] = []
    slowest = 0.0
    async with log:

        async def append() -> None:
            nonlocal slowest
            began = time.monotonic()
            number = len(kept)
            await log.append([Entry(TOPIC, b"%d" % (number % 12), b"%d" % number, [])])
            kept.append(number)
            slowest = max(slowest, time.monotonic() - began)

        for _ in range(200):
            await append()
        _kill(cluster[0])
        assert not ports.is_open(cluster[0])
        fell_back = False
        until = time.monotonic() + 60
        while not (fell_back and log.caveat is None) and time.monotonic() < until:
            await append()
            fell_back = fell_back or log.caveat is not None
        for _ in range(200):
            await append()
        await eventually(lambda: log.caveat is None)
    assert slowest < 5
    values = await _values(f"127.0.0.1:{cluster[1]}", len(kept))
    assert sorted(dict.fromkeys(values)) == kept
    for key in range(12):
        first_copies = list(dict.fromkeys(value for value in values if value % 12 == key))
        assert first_copies == sorted(first_copies)


def _kill(port: int) -> None:
    if (process := ports.holder(port)) is not None:
        process.kill()
        process.wait()


async def _values(servers: str, count: int) -> list[int]:
    """All records, in the order of each partition."""
    found: list[int] = []
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning()

        async def all_read() -> bool:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found.extend(int(record.value) for record in batch)
            return len(set(found)) >= count

        await eventually(all_read, timeout=30)
    return found


def test_a_stack_keeps_its_number_of_brokers(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        (layout.kafka / f"broker-{number}" / "data").mkdir(parents=True)
    monkeypatch.setenv("POSTO_BROKERS", "1")
    with pytest.raises(StackError, match=r"POSTO_BROKERS is 1, but the data in .* is that of 3: `posto clean`"):
        up.decide_environment(layout)
    assert not layout.env.exists(), "a refusal changes nothing"
    monkeypatch.setenv("POSTO_BROKERS", "3")
    assert len(up.decide_environment(layout).broker_ports) == 3
