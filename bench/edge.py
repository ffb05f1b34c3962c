"""Webhooks over 64 connections, each kept by all in-sync replicas before its answer; beside bare Starlette routes."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import psutil

from bench import kept
from bench.processes import Racer
from bench.race import ROUNDS, Lap, race
from bench.result import Result
from infra.stack import ports
from infra.stack.layout import CHECKOUT
from tests.support.waiting import eventually

CONNECTIONS, SECONDS = 64, 8.0
BARE, DURABLE = "a bare Starlette route", "a bare Starlette route that waits for Kafka"
OURS, OF_TWO = "the edge", "the edge, two processes"

_P99: Final = "ms, p99"
_COST: Final = "us of the server's processor for each"
_WANTED_RATIO, _WANTED_P99 = 0.6, 25.0
_TOKEN: Final = "token-of-this-bench"  # noqa: S105 (known to this machine alone, for a minute)


@dataclass(frozen=True)
class Server:
    """How a server is started; whether what it answers lies in Kafka, and under an id that it answers with."""

    command: Sequence[str]
    is_durable: bool = False
    has_raw_ids: bool = False


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """Load each with 0.6 KB webhooks. Checked: every answer is a 202, and lies in Kafka once, its channel in order."""
    await kept.create_topics(servers)
    bare = Server(["bench.peers.starlette_bare", "{port}"])
    durable = Server(["bench.peers.starlette_kafka", "{port}", servers], is_durable=True)
    ours = Server(["infra.cli", "edge"], is_durable=True, has_raw_ids=True)
    of_two = replace(ours, command=[*ours.command, "--workers", "2"])
    seconds = SECONDS / 4 if quick else SECONDS
    runs = {
        name: partial(_lap, server, servers, seconds)
        for name, server in {BARE: bare, DURABLE: durable, OURS: ours, OF_TWO: of_two}.items()
    }
    await _lap(
        durable, servers, SECONDS / 2
    )  # a broker that has just started takes three times as long for each record
    standing = await race("edge", runs, 1 if quick else ROUNDS)
    return [
        *(
            replace(result, at_most=_WANTED_P99) if (result.figure, result.unit) == (OURS, _P99) else result
            for result in standing.results()
        ),
        standing.ratio(OURS, BARE, at_least=_WANTED_RATIO),
        standing.thrift(OURS, BARE, _COST),
        standing.ratio(OURS, DURABLE),
        standing.thrift(OURS, DURABLE, _COST),
        standing.ratio(DURABLE, BARE),
        standing.ratio(OF_TWO, BARE),
    ]


async def _lap(server: Server, servers: str, seconds: float) -> Lap:
    before = await kept.ends(servers)
    with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder:
        file = Path(folder) / "answers"
        async with _serving(server, servers, folder) as (port, process):
            used = _processor_seconds(process)
            load = await Racer("bench.http_load").run(
                *("--port", str(port), "--secret", _TOKEN, "--run", os.urandom(3).hex()),
                *("--connections", str(CONNECTIONS), "--seconds", str(seconds), "--answers", str(file)),
            )
            used = _processor_seconds(process) - used
        answers = file.read_text().splitlines()
    assert set(load["statuses"]) == {"202"}, load["statuses"]
    if server.is_durable:
        await kept.check(servers, before, answers, has_raw_ids=server.has_raw_ids)
    return {
        "requests/s": load["rate"],
        "ms, median": load["p50_ms"],
        _P99: load["p99_ms"],
        _COST: used / len(answers) * 1e6,
        "% of a core for the driver": load["driver_cpu"] * 100,
    }


@asynccontextmanager
async def _serving(server: Server, servers: str, folder: str) -> AsyncIterator[tuple[int, psutil.Process]]:
    """Run a server until the block ends; it begins when the server is ready."""
    port = ports.free_port()
    environment = {
        "EVENT_INGESTION_SECRET": _TOKEN,
        "PIXELHUB_WHATSAPP_WEBHOOK_SECRET": _TOKEN,
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "POSTO_EDGE_PORT": str(port),
        "POSTO_LOCAL_DIR": folder,
        "POSTO_LOG_LEVEL": "warning",
    }
    command = [word.format(port=port) for word in server.command]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=CHECKOUT, env={**os.environ, **environment}
    )
    try:
        await eventually(lambda: _is_ready(port, process), 60)
        yield port, psutil.Process(process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _is_ready(port: int, process: asyncio.subprocess.Process) -> bool:
    """Whether it says that nothing is amiss; a bare route knows no readiness, and says that."""
    assert process.returncode is None, f"the server ended with {process.returncode}"
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    except httpx.TransportError:
        return False
    return answer.status_code == 404 or answer.json() == {"status": "ready"}


def _processor_seconds(server: psutil.Process) -> float:
    """What a server and its processes have used."""
    return sum(sum(each.cpu_times()[:2]) for each in (server, *server.children()))
