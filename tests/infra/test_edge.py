"""The edge as it runs: HTTP in front, a real Kafka behind, which may be away."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.edge import listening, make_app, make_server
from infra.errors import OperatorError, SettingsError
from infra.settings import Settings, load
from infra.stack import kafka as local_kafka
from infra.stack import ports
from infra.stack.foreground import running
from infra.stack.waiting import until
from streams import topics
from tests.support import servers
from tests.support.http import serving
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SECRET = "event-secret-of-this-test"
EVENT = {"source_system": "erp", "event_type": "order.paid", "external_id": "1"}
RAW = (topics.RAW_WEBHOOK, topics.RAW_EVENT)
PARTITIONS = 2


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of these tests' own, which they may stop and pause; it has the raw topics."""
    with servers.kafka_server(tmp_path_factory.mktemp("kafka")) as bootstrap_servers:
        asyncio.run(create_topics(bootstrap_servers))
        yield bootstrap_servers


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTO_LOCAL_DIR", str(tmp_path))


async def create_topics(bootstrap_servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name, PARTITIONS, 1, topic_configs=topics.BY_NAME[name].config(1)) for name in RAW]
        )
    finally:
        await admin.close()


def settings(bootstrap_servers: str, **more: Any) -> Settings:
    return load(
        _env_file=None,
        kafka_bootstrap_servers=bootstrap_servers,
        event_ingestion_secret=SECRET,
        pixelhub_whatsapp_webhook_secret="",
        **more,
    )


@asynccontextmanager
async def edge_on(bootstrap_servers: str, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An edge behind a real server, and a client of it that has the secret."""
    app = make_app(settings(bootstrap_servers, **more))
    async with (
        serving(make_server(app)) as url,
        httpx.AsyncClient(base_url=url, headers={"X-Event-Secret": SECRET}, timeout=30) as client,
    ):
        yield client


async def is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


async def is_caught_up(client: httpx.AsyncClient) -> bool:
    """Whether the edge keeps requests, and nothing waits in its spool."""
    return bool((await client.get("/readyz")).json() == {"status": "ready"})


async def positions(bootstrap_servers: str) -> dict[TopicPartition, int]:
    """The ends of the raw topics."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers) as consumer:
        places = [TopicPartition(topic, partition) for topic in RAW for partition in range(PARTITIONS)]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return ends


async def records_since(bootstrap_servers: str, start: dict[TopicPartition, int], count: int) -> Sequence[Any]:
    """The records of the raw topics from `start` on, at least `count` of them."""
    found: list[Any] = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, max_partition_fetch_bytes=20_000_000) as consumer:
        consumer.assign(list(start))
        for place, offset in start.items():
            consumer.seek(place, offset)

        async def enough() -> bool:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found.extend(batch)
            return len(found) >= count

        await eventually(enough, timeout=20)
    return found


@contextmanager
def paused(bootstrap_servers: str) -> Iterator[None]:
    """Stop the broker's process for the block, as a long garbage collection or a frozen machine would."""
    process = ports.holder(int(bootstrap_servers.rpartition(":")[2]))
    if process is None or "java" not in process.name():
        pytest.skip("the broker runs in a container, whose process cannot be paused from here")
    process.suspend()
    try:
        yield
    finally:
        process.resume()


async def test_webhook_and_event_lie_in_kafka_byte_for_byte(broker: str) -> None:
    start = await positions(broker)
    webhook = b'{"event":"message","channel":"Canal Um","body":"Ol\\u00e1"}\n'
    event = json.dumps({**EVENT, "payload": {"text": "ação ✓"}}, ensure_ascii=False, indent=1).encode()
    json_type = {"content-type": "application/json"}
    async with edge_on(broker) as client:
        await eventually(lambda: is_ready(client))
        kept = (await client.post("/api/whatsapp/webhook", content=webhook, headers=json_type)).json()
        accepted = (await client.post("/api/events", content=event, headers=json_type)).json()
    by_topic = {record.topic: record for record in await records_since(broker, start, 2)}
    record = by_topic[topics.RAW_WEBHOOK]
    assert (record.key, record.value) == (b"canalum", webhook)
    assert dict(record.headers)["raw_id"] == kept["raw_id"].encode()
    assert record.timestamp_type == 1, "raw topics keep the broker's time"
    record = by_topic[topics.RAW_EVENT]
    assert (record.key, record.value) == (accepted["idempotency_key"].encode(), event)
    assert dict(record.headers)["trace_id"] == accepted["trace_id"].encode()


async def test_the_same_event_fifty_times_at_once_gets_one_event_id(broker: str) -> None:
    start = await positions(broker)
    async with edge_on(broker) as client:
        await eventually(lambda: is_ready(client))
        answers = await asyncio.gather(*(client.post("/api/events", json=EVENT) for _ in range(50)))
    assert [answer.status_code for answer in answers] == [202] * 50
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    assert len({answer.json()["trace_id"] for answer in answers}) == 50
    assert len(await records_since(broker, start, 50)) == 50


async def test_webhooks_of_one_channel_stay_in_the_order_of_their_requests(broker: str) -> None:
    start = await positions(broker)
    async with edge_on(broker) as client:
        await eventually(lambda: is_ready(client))
        for number in range(30):
            await client.post("/api/whatsapp/webhook", json={"event": "x", "channel": "Canal Um", "n": number})
    found = await records_since(broker, start, 30)
    assert [json.loads(record.value)["n"] for record in found] == list(range(30))


async def test_sixteen_megabytes_are_kept_and_seventeen_refused_without_harm_to_the_connection(broker: str) -> None:
    start = await positions(broker)
    largest = b'{"channel":"a","text":"' + b"x" * (16_777_216 - 25) + b'"}'
    async with edge_on(broker) as client:
        await eventually(lambda: is_ready(client))
        json_type = {"content-type": "application/json"}
        assert (await client.post("/api/whatsapp/webhook", content=largest, headers=json_type)).status_code == 202

        async def chunked() -> AsyncIterator[bytes]:
            for _ in range(17):
                yield b" " * 1_000_000

        for content in (b" " * 17_000_000, chunked()):
            refused = await client.post("/api/whatsapp/webhook", content=content, headers=json_type)
            assert (refused.status_code, refused.json()["limit"]) == (413, 16_777_216)
        assert (await client.post("/api/events", json=EVENT)).status_code == 202
    values = [record.value for record in await records_since(broker, start, 2) if record.topic == topics.RAW_WEBHOOK]
    assert values == [largest]


async def test_a_kafka_that_stops_answering_is_no_reason_to_refuse_and_gets_everything_once_it_is_back(
    broker: str,
) -> None:
    async with edge_on(broker, posto_spool_after_seconds=0.3) as client:
        await eventually(lambda: is_caught_up(client))
        start = await positions(broker)
        with paused(broker):
            asked = time.monotonic()
            for number in range(3):
                answer = await client.post("/api/events", json={**EVENT, "external_id": str(number)})
                assert answer.status_code == 202
            assert time.monotonic() - asked < 3
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
            assert "3 entries wait in the spool" in ready.json()["detail"]
            assert (await client.get("/healthz")).status_code == 200
        await eventually(lambda: is_caught_up(client), timeout=30)
        found = await records_since(broker, start, 3)
        assert sorted(json.loads(record.value)["external_id"] for record in found) == ["0", "1", "2"]


async def test_without_a_spool_a_kafka_that_stops_answering_makes_requests_fail_in_time(
    broker: str, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("no folder")
    async with edge_on(broker, posto_edge_produce_timeout_seconds=0.5) as client:
        await eventually(lambda: is_ready(client))
        assert "There is no spool" in (await client.get("/readyz")).json()["detail"]
        start = await positions(broker)
        with paused(broker):
            asked = time.monotonic()
            answer = await client.post("/api/events", json=EVENT)
            assert time.monotonic() - asked < 5
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "0.5 s" in answer.json()["detail"]
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.headers["content-type"]) == (503, "application/problem+json")
            assert "Kafka" in ready.json()["detail"]
        await eventually(lambda: is_ready(client), timeout=30)
        found = await records_since(broker, start, 1)
        assert [json.loads(record.value) for record in found] == [EVENT], "what waited is kept too, once"


@pytest.mark.parametrize("secret", ["", " , "])
def test_without_an_ingestion_secret_the_edge_does_not_start(secret: str) -> None:
    with pytest.raises(SettingsError, match="EVENT_INGESTION_SECRET") as caught:
        make_app(load(_env_file=None, event_ingestion_secret=secret))
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_is_named() -> None:
    with listening("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=rf"POSTO_EDGE_PORT: 127\.0\.0\.1:{port} cannot"):
            listening("127.0.0.1", port)


@contextmanager
def posto_edge(folder: Path, **environment: str) -> "Iterator[subprocess.Popen[str]]":
    """The command `posto edge` with nothing but the given settings; it is told to end when the block ends."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with subprocess.Popen(
        [sys.executable, "-m", "infra.cli", "edge"],
        cwd=folder,
        env={**kept, "POSTO_LOCAL_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_posto_edge_refuses_to_start_with_one_sentence(tmp_path: Path) -> None:
    with posto_edge(tmp_path) as process:
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith("posto: EVENT_INGESTION_SECRET")
    assert len(errors.splitlines()) == 1


def test_posto_edge_keeps_requests_while_kafka_is_away_and_while_it_lacks_topics(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    port, kafka_port = ports.free_port(), ports.free_port()
    address = f"127.0.0.1:{kafka_port}"
    program = local_kafka.prepare(tmp_path / "kafka", kafka_port, local_kafka.fetch_libraries(servers.JARS, log), log)
    environment = {
        "EVENT_INGESTION_SECRET": SECRET,
        "POSTO_EDGE_PORT": str(port),
        "KAFKA_BOOTSTRAP_SERVERS": address,
    }
    with (
        posto_edge(tmp_path, **environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-Event-Secret": SECRET}) as client,
    ):
        until(lambda: ports.is_open(port), 30, lambda: "the edge does not listen")
        assert client.get("/healthz").status_code == 200
        assert client.post("/api/events", json=EVENT).status_code == 202
        assert "1 entries wait in the spool" in client.get("/readyz").text
        with running(program, log):
            asyncio.run(create_topics(address))
            until(lambda: client.get("/readyz").json() == {"status": "ready"}, 30, lambda: client.get("/readyz").text)
            assert client.post("/api/events", json=EVENT).status_code == 202
            start = dict.fromkeys((TopicPartition(topics.RAW_EVENT, number) for number in range(PARTITIONS)), 0)
            assert len(asyncio.run(records_since(address, start, 2))) == 2
            process.terminate()
            _, errors = process.communicate(timeout=30)
    lines = [json.loads(line) for line in errors.splitlines()]
    assert {line["process"] for line in lines} == {"edge"}
    said = {(line["event"], line["level"]) for line in lines}
    assert {("kafka_not_reachable", "warning"), ("spool_in_use", "warning"), ("kafka_connected", "info")} <= said
    assert {("webhook_is_open", "warning"), ("spool_drained", "info")} <= said
    assert SECRET not in errors
