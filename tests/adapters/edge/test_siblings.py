"""An edge of several processes answers for all of them, whichever is asked."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from adapters.edge import siblings as module
from adapters.edge.app import build_app
from adapters.edge.log import LogUnavailableError
from adapters.edge.siblings import Siblings
from tests.adapters.edge.recording import EVENT_SECRET, SETTINGS, RecordingLog
from tests.support.http import serving

EVENT = {"source_system": "erp", "event_type": "order.paid"}


class Process:
    """One of the processes, with its log."""

    def __init__(self, http: httpx.AsyncClient, log: RecordingLog) -> None:
        self.http = http
        self.log = log

    async def readiness(self) -> tuple[int, str | None]:
        answer = await self.http.get("/readyz")
        return answer.status_code, answer.json().get("detail")

    async def samples(self, name: str) -> dict[str, float]:
        """A metric of all, by process."""
        text = (await self.http.get("/metrics")).text
        return {
            sample.labels["process"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="posto-") as short:  # pytest's folders are too long for a socket
        yield Path(short)


@asynccontextmanager
async def process(folder: Path, number: int, count: int = 2) -> AsyncIterator[Process]:
    log = RecordingLog()
    app = build_app(SETTINGS, log, siblings=Siblings(folder, number, count))
    server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="on", access_log=False, log_level="warning"))
    async with (
        serving(server) as url,
        httpx.AsyncClient(base_url=url, headers={"X-Event-Secret": EVENT_SECRET}) as client,
    ):
        yield Process(client, log)


async def test_it_is_ready_while_each_of_them_can_keep_a_request(folder: Path) -> None:
    async with process(folder, 1) as first, process(folder, 2) as second:
        assert await first.readiness() == (200, None)
        second.log.caveat = "The spool is small."
        assert await first.readiness() == (200, "Process 2: The spool is small.")
        second.log.error = LogUnavailableError("The disk is away.")
        for asked in (first, second):
            assert await asked.readiness() == (503, "Process 2: The disk is away.")


async def test_one_that_does_not_run_is_named_and_gets_no_requests_so_it_is_no_reason_to_be_unready(
    folder: Path,
) -> None:
    async with process(folder, 2) as second:
        assert await second.readiness() == (200, "1 of 2 processes run.")
        (folder / "1.sock").touch()  # a process that was killed leaves it
        assert await second.readiness() == (200, "1 of 2 processes run.")
        async with process(folder, 1):
            assert await second.readiness() == (200, None)
        assert await second.readiness() == (200, "1 of 2 processes run.")


async def test_one_that_runs_and_does_not_answer_makes_it_unready(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.02)
    silence = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    async with await asyncio.start_unix_server(hang, folder / "2.sock"), process(folder, 1) as first:
        assert await first.readiness() == (503, "Process 2: It does not answer within 0.02 s.")
        silence.set()


async def test_metrics_are_those_of_all_each_with_its_process(folder: Path) -> None:
    async with process(folder, 1) as first, process(folder, 2) as second:
        await first.http.post("/api/events", json=EVENT)
        for _ in range(2):
            await second.http.post("/api/events", json=EVENT)
        second.log.backlog_entries = 7
        for asked in (first, second):
            read = await asked.samples("posto_edge_body_bytes_total")
            assert read["2"] == 2 * read["1"] > 0
            assert await asked.samples("posto_edge_backlog_entries") == {"1": 0, "2": 7}
            assert (await asked.http.get("/metrics")).text.count("# TYPE posto_edge_requests_total counter") == 1
