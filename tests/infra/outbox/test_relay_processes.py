"""Several relays on one outbox, killed while they work: every row gets in, and in the order of its key."""

import asyncio
import json
import random
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka.admin import NewTopic

from adapters.mysql import outbox
from adapters.mysql.pool import Database
from infra.database import database_at
from infra.settings import parse_dsn
from infra.stack import ports
from streams.topics import RAW_EVENT
from tests.support.stack import clean_environ, posto
from tests.support.topics import administering, delete, read
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROWS = 2_000
KEYS = 25


class Relays:
    """Processes of `posto outbox relay`, each with its own port."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self._env = env
        self._folder = folder
        self.running: dict[int, asyncio.subprocess.Process] = {}

    async def start(self) -> int:
        """Start one; its port."""
        port = ports.free_port()
        env = {**clean_environ(), **self._env, "POSTO_OUTBOX_METRICS_PORT": str(port)}
        command = (sys.executable, "-P", "-m", "infra.cli", "outbox", "relay")
        with (self._folder / f"{port}.log").open("wb") as log:
            self.running[port] = await asyncio.create_subprocess_exec(
                *command, env=env, cwd=self._folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        return port

    async def end(self, port: int, signal_number: int) -> int:
        """End one by a signal; its exit code."""
        process = self.running.pop(port)
        process.send_signal(signal_number)
        return await process.wait()

    async def sent(self, port: int) -> int:
        """How many rows one has sent."""
        try:
            async with httpx.AsyncClient() as http:
                metrics = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx.TransportError:
            return 0
        counts = [line.split()[1] for line in metrics.splitlines() if line.startswith("posto_outbox_rows_total{")]
        return int(sum(map(float, counts)))


@asynccontextmanager
async def raw_event(kafka: str) -> AsyncIterator[None]:
    async with administering(kafka) as admin:
        await admin.create_topics([NewTopic(RAW_EVENT, 4, 1)])
    try:
        yield
    finally:
        await delete(kafka, [RAW_EVENT])


async def produce(db: Database, count: int) -> None:
    """Transactions of a shop: each holds the order that it is about, and tells its next step."""
    chosen = random.Random(7)
    steps: defaultdict[int, int] = defaultdict(int)
    for _ in range(count // 20):
        async with db.transaction() as session:
            for _ in range(20):
                order = chosen.randrange(KEYS)
                steps[order] += 1
                told = {"source_system": "shop", "event_type": "order.step", "external_id": f"{order}-{steps[order]}"}
                await session.execute(
                    "INSERT INTO posto_outbox (event) VALUES (%s)",
                    (json.dumps({**told, "ordering_key": f"order {order}", "payload": {"step": steps[order]}}),),
                )


async def test_all_rows_get_in_and_in_order_though_relays_are_killed(
    hub_kafka: str, mysql: str, tmp_path: Path
) -> None:
    db = database_at(parse_dsn(mysql))
    relays = Relays({"KAFKA_BOOTSTRAP_SERVERS": hub_kafka, "POSTO_OUTBOX_DSN": mysql}, tmp_path)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(db.close)
        await stack.enter_async_context(raw_event(hub_kafka))
        await db.execute(outbox.DDL)
        started = [await relays.start() for _ in range(3)]
        stack.push_async_callback(_end_all, relays)
        producing = asyncio.create_task(produce(db, ROWS))
        await db.execute("INSERT INTO posto_outbox (event) VALUES ('{')")
        for _ in range(2):
            at_work = await eventually(lambda: _first_at_work(relays), 30)
            assert at_work is not None
            await relays.end(at_work, signal.SIGKILL)
            started.append(await relays.start())
        await producing

        async def is_done() -> bool:
            return not await db.fetch("SELECT 1 FROM posto_outbox WHERE state = 'waiting' LIMIT 1")

        await eventually(is_done, 60, because="rows still wait")
        for port in list(relays.running):
            assert await relays.end(port, signal.SIGTERM) == 0
        rows = await db.fetch("SELECT state, COUNT(*) AS number FROM posto_outbox GROUP BY state")
        assert {row["state"]: row["number"] for row in rows} == {"sent": ROWS, "refused": 1}
        assert _steps_as_first_seen(await read(hub_kafka, RAW_EVENT)) == await _steps_as_written(db)


async def _first_at_work(relays: Relays) -> int | None:
    for port in relays.running:
        if await relays.sent(port):
            return port
    return None


async def _end_all(relays: Relays) -> None:
    for port in list(relays.running):
        await relays.end(port, signal.SIGKILL)


def _steps_as_first_seen(records: list[Any]) -> dict[str, list[int]]:
    seen: dict[str, dict[int, None]] = defaultdict(dict)
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        event = json.loads(record.value)
        seen[event["ordering_key"]].setdefault(event["payload"]["step"])
    return {key: list(steps) for key, steps in seen.items()}


async def _steps_as_written(db: Database) -> dict[str, list[int]]:
    written: dict[str, list[int]] = defaultdict(list)
    for row in await db.fetch("SELECT event FROM posto_outbox WHERE state = 'sent' ORDER BY id"):
        event = json.loads(row["event"])
        written[event["ordering_key"]].append(event["payload"]["step"])
    return written


def test_a_database_without_an_outbox_is_named_with_what_to_do(mysql: str, tmp_path: Path) -> None:
    for command in (["show"], ["relay", "--once"], ["relay"]):
        env = {"POSTO_OUTBOX_DSN": mysql, "POSTO_OUTBOX_METRICS_PORT": str(ports.free_port())}
        done = posto(tmp_path, env, "outbox", *command)
        assert done.returncode == 1
        assert "posto: The outbox of POSTO_OUTBOX_DSN cannot be used: Table" in done.stderr
        assert "`posto outbox ddl` prints its table" in done.stderr


def test_without_an_address_the_setting_is_named(tmp_path: Path) -> None:
    done = posto(tmp_path, {}, "outbox", "show")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("posto: POSTO_OUTBOX_DSN is not set")
