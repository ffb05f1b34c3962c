"""A worker on a fresh cluster: it waits for what it needs, says so, and decides nothing before."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest

from infra.configuration import publish_configuration
from infra.migrations import migrate
from infra.seeds import seed
from infra.settings import Settings, load
from infra.stack.layout import CHECKOUT
from infra.stack.ports import free_port
from infra.topics import apply_topics
from streams import topics
from tests.support.stack import clean_environ
from tests.support.topics import delete, read, write
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@dataclass
class Written:
    """A record to write."""

    topic: str
    key: bytes
    value: bytes


@dataclass
class Worker:
    """A `posto worker` process and its vitals."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    async def waits_for(self) -> str:
        """Why it is not ready; empty where it is, or does not answer yet."""
        try:
            async with httpx.AsyncClient() as http:
                answer = await http.get(f"http://127.0.0.1:{self.port}/readyz")
        except httpx.HTTPError:
            return ""
        return str(answer.json().get("detail", ""))

    async def is_ready(self) -> bool:
        """Whether it works."""
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture
async def settings(hub_kafka: str, mysql: str) -> AsyncIterator[Settings]:
    yield load(kafka_bootstrap_servers=hub_kafka, mysql_dsn=mysql)
    await delete(hub_kafka, topics.BY_NAME)


@contextmanager
def worker(settings: Settings, folder: Path) -> Iterator[Worker]:
    port = free_port()
    log = folder / "worker.log"
    env = {
        **clean_environ(),
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MYSQL_DSN": settings.mysql_dsn.get_secret_value(),
        "WPP_GATEWAY_BASE_URL": "http://127.0.0.1:9",
        "WPP_GATEWAY_SECRET": "test",
        "POSTO_METRICS_PORT": str(port),
        "POSTO_LOCAL_DIR": str(folder / "none"),
        "PYTHONPATH": str(CHECKOUT),
    }
    with log.open("wb") as out:
        command = [sys.executable, "-P", "-m", "infra.cli", "worker"]
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
    try:
        yield Worker(process, port, log)
    finally:
        process.kill()
        process.wait()


async def test_nothing_is_decided_before_the_configuration_is_complete(settings: Settings, tmp_path: Path) -> None:
    servers = settings.kafka_bootstrap_servers
    with worker(settings, tmp_path) as started:
        await eventually(lambda: _says(started, "waiting for the topic"), 40)
        await apply_topics(settings)
        event = {"source_system": "asaas", "event_type": "asaas.payment.received", "external_id": "1"}
        await write(servers, [Written(topics.RAW_EVENT, b"any", msgspec.json.encode(event))])
        await eventually(lambda: _says(started, "complete configuration"), 40)
        assert await read(servers, topics.EVENT_ACCEPTED) == []

        await migrate(settings)
        await seed(settings)
        await publish_configuration(settings)

        async def accepted() -> list[dict[str, object]]:
            return [msgspec.json.decode(record.value) for record in await read(servers, topics.EVENT_ACCEPTED)]

        [said] = await eventually(accepted, 40, because=started.log.read_text()[-3000:])
        assert said["decision"] == {"action": "none", "rule_id": "asaas.payment", "rule_version": 1}


async def test_sigterm_stops_a_worker_whatever_it_waits_for(settings: Settings, tmp_path: Path) -> None:
    with worker(settings, tmp_path) as waiting:
        await eventually(lambda: _says(waiting, "waiting for the topic"), 40)
        waiting.process.terminate()
        await eventually(lambda: waiting.process.poll() is not None, 20)
        assert waiting.process.returncode == 0

    await apply_topics(settings)
    await migrate(settings)
    await seed(settings)
    await publish_configuration(settings)
    with worker(settings, tmp_path) as working:
        await eventually(working.is_ready, 40)
        working.process.terminate()
        await eventually(lambda: working.process.poll() is not None, 20)
        assert working.process.returncode == 0


async def test_a_worker_refuses_topics_of_another_partition_count(settings: Settings, tmp_path: Path) -> None:
    await apply_topics(load(**{**settings.model_dump(), "posto_partitions": 4}))

    with worker(settings, tmp_path) as refused:
        await eventually(lambda: refused.process.poll() is not None, 40)

    assert refused.process.returncode == 1
    assert "has 4 partitions and must have 8" in refused.log.read_text()


async def test_a_worker_without_a_database_setting_says_so_in_one_sentence(tmp_path: Path) -> None:
    with worker(load(kafka_bootstrap_servers="127.0.0.1:9", mysql_dsn=""), tmp_path) as refused:
        await eventually(lambda: refused.process.poll() is not None, 40)

    assert refused.process.returncode == 2
    assert refused.log.read_text().startswith("posto: MYSQL_DSN is not set")
    assert refused.log.read_text().count("\n") == 1


async def _says(started: Worker, text: str) -> bool:
    return text in await started.waits_for()
