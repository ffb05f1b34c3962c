"""The edge is killed with kill -9 again and again while Kafka is away and while the spool drains."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka import started
from infra.stack import ports
from streams import topics
from tests.infra.test_edge import PARTITIONS, create_topics
from tests.support.broker import Broker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CHANNELS = ("Canal Um", "Canal Dois", "Canal Três")


class Edges:
    """One edge after the other on one folder, and what they answered 202, by channel in order."""

    def __init__(self, folder: Path, bootstrap_servers: str) -> None:
        self._folder = folder
        self._port = ports.free_port()
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "POSTO_LOCAL_DIR": str(folder),
            "EVENT_INGESTION_SECRET": "event-secret-of-this-test",
            "POSTO_EDGE_PORT": str(self._port),
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "POSTO_SPOOL_AFTER_SECONDS": "0.2",
        }
        self.kept: dict[str, list[str]] = {channel: [] for channel in CHANNELS}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """An edge that is killed with kill -9 when the block ends, whatever it does then."""
        process = self._start()
        try:
            await eventually(lambda: ports.is_open(self._port), 60)
            yield
        finally:
            process.kill()
            process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        with (self._folder / "edge.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "infra.cli", "edge"],
                cwd=self._folder,
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    async def killed_under_traffic(self, requests: int) -> None:
        """Run an edge, and kill it at a moment at which requests are under way."""
        wanted = self.count + requests
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            async with self.running():
                posting = [asyncio.create_task(self._post_on(client, channel)) for channel in CHANNELS]
                await eventually(lambda: self.count >= wanted, 60)
            await asyncio.gather(*posting)

    async def readiness(self) -> Any:
        async with httpx.AsyncClient(base_url=self.url) as client:
            return (await client.get("/readyz")).json()

    @property
    def count(self) -> int:
        return sum(map(len, self.kept.values()))

    async def _post_on(self, client: httpx.AsyncClient, channel: str) -> None:
        """Post one after the other until there is no answer."""
        while True:
            body = {"event": "message", "channel": channel, "body": os.urandom(3000).hex()}
            try:
                answer = await client.post("/api/whatsapp/webhook", json=body)
            except httpx.HTTPError:
                return
            assert answer.status_code == 202
            self.kept[channel].append(answer.json()["raw_id"])


async def test_everything_answered_202_is_in_kafka_in_order_however_often_the_edge_is_killed(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    edges = Edges(tmp_path, broker.bootstrap_servers)
    await edges.killed_under_traffic(60)
    await edges.killed_under_traffic(60)
    async with broker.running():
        await create_topics(broker.bootstrap_servers)
        await edges.killed_under_traffic(60)
        async with edges.running():
            await eventually(lambda: _is_caught_up(edges), 30)
        found = await _raw_ids(broker.bootstrap_servers, edges.count)
    everything = [raw_id for channel in CHANNELS for raw_id in edges.kept[channel]]
    missing = set(everything) - set(found)
    assert not missing
    for kept in edges.kept.values():
        wanted = set(kept)
        assert [raw_id for raw_id in dict.fromkeys(found) if raw_id in wanted] == kept


async def _is_caught_up(edges: Edges) -> bool:
    return bool(await edges.readiness() == {"status": "ready"})


async def _raw_ids(bootstrap_servers: str, at_least: int) -> list[str]:
    """The raw ids of the topic, in the order of each partition."""
    found: list[str] = []
    consumer = await started(lambda: AIOKafkaConsumer(bootstrap_servers=bootstrap_servers))
    try:
        places = [TopicPartition(topics.RAW_WEBHOOK, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [dict(record.headers)["raw_id"].decode() for record in batch]
    finally:
        await consumer.stop()
    assert len(found) >= at_least
    return found
