"""The stack as people use it: started, started again, looked at, hurt, and stopped."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from infra.stack import orphans, ports
from infra.stack.layout import Layout
from infra.stack.supervision import Supervisor
from streams.deliveries import OPEN
from streams.topics import WORKED
from tests.support.servers import jars
from tests.support.stack import Stack, clean_environ, own_ports, posto
from tests.support.stack import stack as running_stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

_WARM_SECONDS = 20.0


def _status(stack: Stack) -> dict[str, dict[str, Any]]:
    said = json.loads(stack.posto("status", "--json").stdout)
    return {process["name"]: process for process in said["processes"]}


def test_status_shows_every_process_with_its_port(stack: Stack) -> None:
    status = _status(stack)
    expected = {
        "kafka": "POSTO_KAFKA_PORT",
        "mysql": "POSTO_MYSQL_PORT",
        "simulator": "POSTO_SIM_PORT",
        "edge": "POSTO_EDGE_PORT",
        "worker-1": "POSTO_METRICS_PORT",
    }
    assert {name: str(process["port"]) for name, process in status.items()} == {
        name: stack.env[setting] for name, setting in expected.items()
    }
    assert {process["state"] for process in status.values()} == {"RUNNING"}
    assert all(ports.is_open(process["port"]) for process in status.values())


async def test_every_program_keeps_open_what_the_supervisor_writes_to(stack: Stack) -> None:
    supervisor = Supervisor(stack.layout).process()
    assert supervisor

    def all_are_read() -> bool:
        descriptors = list(Path(f"/proc/{supervisor.pid}/fd").iterdir())
        inputs = [each for each in descriptors if "pipe:" in str(each.readlink()) and _is_written_to(each)]
        for each in inputs:
            os.close(os.open(each, os.O_WRONLY | os.O_NONBLOCK))  # ENXIO where nobody reads
        return len(inputs) == len(_status(stack))

    await eventually(all_are_read, 30)  # another test may have killed one


def _is_written_to(descriptor: Path) -> bool:
    flags = (descriptor.parent.parent / "fdinfo" / descriptor.name).read_text().split()[3]
    return int(flags, 8) & os.O_ACCMODE == os.O_WRONLY


async def test_status_shows_how_the_hub_does(stack: Stack) -> None:
    def everything() -> dict[str, Any]:
        said: dict[str, Any] = json.loads(stack.posto("status", "--json").stdout)
        assert said["hub"]["unknown"] == {}  # on a busy machine an answer may come too late
        ready = {process["name"]: process["ready"] for process in said["processes"]}
        assert (ready["edge"], ready["worker-1"], ready["kafka"]) == (
            True,
            True,
            None,
        )  # another test may have killed one
        return said

    hub = (await eventually(everything, 60))["hub"]
    assert [lag["topic"] for lag in hub["topics"]] == list(WORKED)
    assert set(hub["tables"]["commands"]) == set(OPEN)
    assert "canalum" in {channel["channel"] for channel in hub["tables"]["channels"]}
    assert hub["edge"]["spool_usable"] == 1
    shown = stack.posto("status").stdout
    assert re.search(r"^alarms ", shown, re.MULTILINE) or "unknown" in shown


def test_the_doctor_finds_nothing_wrong(stack: Stack) -> None:
    result = stack.posto("doctor", "--json")
    findings = json.loads(result.stdout)
    assert [finding for finding in findings if not finding["ok"]] == []
    checks = ["settings", "kafka", "topics", "alarms", "mysql", "migrations", "config", "media", "gateway", "webhook"]
    assert [finding["check"] for finding in findings] == checks
    assert result.returncode == 0


def test_a_second_up_is_harmless(stack: Stack) -> None:
    before = _status(stack)
    began = time.monotonic()
    result = stack.posto("up", "--no-demo")
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.monotonic() - began < _WARM_SECONDS
    after = _status(stack)
    assert {name: process["pid"] for name, process in after.items()} == {
        name: process["pid"] for name, process in before.items()
    }


def test_the_demo_sends_an_invoice_and_a_message_through_and_shows_both(stack: Stack) -> None:
    result = stack.posto("up")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "billing.invoice.overdue" in result.stdout
    assert "whatsapp.inbound.message" in result.stdout
    assert "read" in result.stdout
    assert stack.edge in result.stdout


async def test_a_killed_worker_comes_back(stack: Stack) -> None:
    worker = _status(stack)["worker-1"]
    os.kill(worker["pid"], signal.SIGKILL)
    await eventually(lambda: _status(stack)["worker-1"]["pid"] not in {None, worker["pid"]}, interval=0.2)
    await eventually(lambda: stack.posto("up", "--no-demo").returncode == 0, timeout=60)


def _begin_up(cwd: Path, env: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "infra.cli", "up", "--no-demo"],
        cwd=cwd,
        env={**clean_environ(), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test run in the background ignores it
    )


async def test_an_interrupted_up_is_gone_on_with(tmp_path: Path) -> None:
    """Ctrl-C, as soon as the first process has been started."""
    layout = Layout.at(tmp_path / "local")
    layout.create()
    jars(layout.kafka, layout.log / "kafka.log")
    env = {"POSTO_LOCAL_DIR": str(layout.root), **own_ports()}
    try:
        process = _begin_up(tmp_path, env)
        await eventually(lambda: orphans.processes(layout), timeout=60)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 130, output
        assert "`posto up` goes on from here" in output

        result = posto(tmp_path, env, "up", "--no-demo")
        assert result.returncode == 0, result.stdout + result.stderr
        down = posto(tmp_path, env, "down")
        assert down.returncode == 0, down.stderr
        assert orphans.processes(layout) == []
        assert (layout.kafka / "data").is_dir()
    finally:
        posto(tmp_path, env, "clean")


def test_two_stacks_live_side_by_side_and_a_taken_port_is_named(stack: Stack, tmp_path: Path) -> None:
    taken = stack.env["POSTO_EDGE_PORT"]
    settings = {**own_ports(), "POSTO_EDGE_PORT": taken, "POSTO_LOCAL_DIR": str(tmp_path / "second")}
    refused = posto(tmp_path, settings, "up", "--no-demo")
    assert refused.returncode == 1
    assert re.search(rf"^posto: Port {taken} \(POSTO_EDGE_PORT\) is taken by .+ \(pid \d+\)", refused.stderr)
    assert refused.stderr.count("\n") == 1
    assert json.loads(posto(tmp_path, settings, "status", "--json").stdout) == {"processes": [], "hub": None}

    given = {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka, "MYSQL_DSN": stack.mysql, "WPP_GATEWAY_BASE_URL": stack.simulator}
    secrets = {name: stack.env[name] for name in ("WPP_GATEWAY_SECRET", "EVENT_INGESTION_SECRET")}
    with running_stack(tmp_path, **given, **secrets) as second:
        assert list(_status(second)) == ["edge", "worker-1"]
        assert second.kafka == stack.kafka
    assert {process["state"] for process in _status(stack).values()} == {"RUNNING"}
