"""`posto edge --workers 2` as it runs: one port, a spool for each process, and one that keeps them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.stack import ports
from infra.stack.waiting import until

pytestmark = pytest.mark.integration

SECRET = "event-secret-of-this-test"
BODY = b'{"source_system":"erp","event_type":"order.paid"}'


class Edge:
    """The command, with Kafka away: what it is given lies in its spools."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.seen: list[psutil.Process] = []
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli", "edge", "--workers", "2"],
            cwd=folder,
            env={
                **kept,
                "POSTO_LOCAL_DIR": str(folder),
                "EVENT_INGESTION_SECRET": SECRET,
                "POSTO_EDGE_PORT": str(port),
                "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports.free_port()}",
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def samples(self, name: str) -> dict[str, float]:
        """A metric by process; each scrape is a connection of its own, so any of them answers."""
        return {
            sample.labels["process"]: sample.value
            for family in text_string_to_metric_families(httpx.get(f"{self.url}/metrics").text)
            for sample in family.samples
            if sample.name == name
        }

    def pids_when_all_run(self) -> set[int]:
        """The processes once both answer."""

        def both() -> bool:
            try:
                return set(self.samples("process_start_time_seconds")) == {"1", "2"}
            except httpx.HTTPError:
                return False

        until(both, 60, lambda: "two processes do not answer")
        self.seen += self.children
        return {child.pid for child in self.children}

    def end(self) -> None:
        """Leave nothing behind, whatever went wrong."""
        self.process.kill()
        for process in self.seen:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.communicate()

    def keep(self, requests: int) -> None:
        """Send events, each on a connection of its own, until both processes have got some."""
        for _ in range(requests):
            answer = httpx.post(f"{self.url}/api/events", content=BODY, headers=headers())
            assert answer.status_code == 202


def headers() -> dict[str, str]:
    return {"Content-Type": "application/json", "X-Event-Secret": SECRET}


@contextmanager
def edge(folder: Path) -> Iterator[Edge]:
    running = Edge(folder, ports.free_port())
    try:
        yield running
    finally:
        running.end()


def test_two_processes_share_the_port_and_one_that_is_killed_comes_back_and_loses_nothing(tmp_path: Path) -> None:
    with edge(tmp_path) as running:
        before = running.pids_when_all_run()
        running.keep(20)
        spooled = running.samples("posto_edge_spool_entries")
        assert sum(spooled.values()) == 20
        assert min(spooled.values()) > 0, "each has a part of the requests, and a spool of its own"
        assert {path.name for path in (tmp_path / "spool").iterdir()} == {"slot-0", "slot-1"}
        os.kill(min(before), signal.SIGKILL)
        until(lambda: min(before) not in {child.pid for child in running.children}, 10, lambda: "it still runs")
        running.keep(5)
        after = running.pids_when_all_run()
        assert len(after) == 2
        assert len(after & before) == 1
        until(lambda: sum(running.samples("posto_edge_spool_entries").values()) == 25, 30, lambda: "entries are lost")


def test_sigterm_ends_all_and_what_is_under_way_is_answered_first(tmp_path: Path) -> None:
    with edge(tmp_path) as running:
        pids = running.pids_when_all_run()
        with socket.create_connection(("127.0.0.1", running.port)) as under_way:
            head = "".join(f"{name}: {value}\r\n" for name, value in headers().items())
            length = f"Content-Length: {len(BODY)}\r\n"
            under_way.sendall(f"POST /api/events HTTP/1.1\r\nHost: edge\r\n{head}{length}\r\n".encode() + BODY[:10])
            until(lambda: httpx.get(f"{running.url}/healthz").status_code == 200, 10, lambda: "it does not answer")
            running.process.send_signal(signal.SIGTERM)
            until(lambda: not ports.is_open(running.port), 10, lambda: "it still listens")
            under_way.sendall(BODY[10:])
            assert under_way.recv(1000).startswith(b"HTTP/1.1 202")
        _, errors = running.process.communicate(timeout=40)
        assert running.process.returncode == 0
        assert not [pid for pid in pids if psutil.pid_exists(pid)]
    lines = [json.loads(line) for line in errors.splitlines()]
    assert {line["process"] for line in lines} == {"edge", "edge-1", "edge-2"}
    assert "edge_process_ended" not in {line["event"] for line in lines}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_processes_whose_keeper_is_gone_end_too(tmp_path: Path) -> None:
    with edge(tmp_path) as running:
        pids = running.pids_when_all_run()
        running.process.kill()
        until(lambda: not any(map(psutil.pid_exists, pids)), 30, lambda: "they still run")


def test_a_port_that_is_taken_is_named_before_any_process_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = Edge(tmp_path, taken.getsockname()[1])
        _, errors = running.process.communicate(timeout=30)
    assert running.process.returncode == 1
    assert errors.splitlines()[-1].startswith("posto: POSTO_EDGE_PORT: 127.0.0.1:")
    assert "edge_process_started" not in errors
