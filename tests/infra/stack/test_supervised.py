"""supervisord in life, with small programs in place of servers."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from infra.errors import StackError
from infra.stack import orphans, ports
from infra.stack.down import clean, down
from infra.stack.layout import Layout
from infra.stack.lock import exclusive
from infra.stack.program import Program
from infra.stack.progress import Progress
from infra.stack.status import report
from infra.stack.supervision import Supervisor
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def _server(name: str, port: int, directory: Path, revision: str = "") -> Program:
    """A program that listens."""
    return Program(
        name=name,
        command=[sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        port=port,
        directory=directory,
        is_ready=lambda: ports.is_open(port),
        revision=revision,
    )


async def _running(supervisor: Supervisor, program: Program) -> int:
    """Start the program, wait until it works, and return its pid."""
    supervisor.start(program.name)
    await eventually(program.is_ready)
    pid = supervisor.state(program.name).pid
    assert pid is not None
    return pid


async def test_a_program_that_is_killed_comes_back(layout: Layout, tmp_path: Path) -> None:
    supervisor = Supervisor(layout)
    edge = _server("edge", ports.free_port(), tmp_path)
    supervisor.launch([edge])
    first = await _running(supervisor, edge)
    await eventually(lambda: supervisor.state("edge").state == "RUNNING", because="it is past its start")
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: supervisor.state("edge").pid not in {None, first})
    await eventually(edge.is_ready)


async def test_a_program_that_does_not_run_may_be_stopped_again(layout: Layout, tmp_path: Path) -> None:
    supervisor = Supervisor(layout)
    edge = _server("edge", ports.free_port(), tmp_path)
    supervisor.launch([edge])
    await _running(supervisor, edge)
    for _ in range(2):
        supervisor.stop("edge")
        assert supervisor.state("edge").pid is None


async def test_a_second_launch_keeps_what_is_unchanged_and_stops_what_changed_or_went(
    layout: Layout, tmp_path: Path
) -> None:
    supervisor = Supervisor(layout)
    edge, worker, simulator = (_server(name, ports.free_port(), tmp_path) for name in ("edge", "worker-1", "simulator"))
    supervisor.launch([edge, worker, simulator])
    pid = await _running(supervisor, edge)
    old = await _running(supervisor, worker)
    await _running(supervisor, simulator)

    changed = _server("worker-1", worker.port, tmp_path, revision="2")
    supervisor.launch([edge, changed])
    assert supervisor.state("edge").pid == pid
    assert [state.name for state in supervisor.states()] == ["edge", "worker-1"]
    assert not ports.is_open(simulator.port)
    assert await _running(supervisor, changed) != old


async def test_status_shows_pid_port_and_uptime_in_the_order_of_the_flow(layout: Layout, tmp_path: Path) -> None:
    assert report(layout) == []
    supervisor = Supervisor(layout)
    worker = _server("worker-2", 9102, tmp_path)
    edge = _server("edge", ports.free_port(), tmp_path)
    supervisor.launch([worker, edge])
    pid = await _running(supervisor, edge)
    running, stopped = report(layout)
    assert (running.name, running.pid, running.port) == ("edge", pid, 8080)
    assert running.uptime_seconds is not None
    assert (stopped.name, stopped.state, stopped.pid, stopped.port) == ("worker-2", "STOPPED", None, 9102)


async def test_down_leaves_no_process_and_keeps_the_files(layout: Layout, tmp_path: Path, quiet: Progress) -> None:
    supervisor = Supervisor(layout)
    programs = [_server(name, ports.free_port(), tmp_path) for name in ("kafka", "edge", "worker-1")]
    supervisor.launch(programs)
    for program in programs:
        await _running(supervisor, program)
    data = layout.kafka / "data"
    data.mkdir()
    down(layout, quiet)
    assert orphans.processes(layout) == []
    assert not any(ports.is_open(program.port) for program in programs)
    assert data.is_dir()
    down(layout, quiet)


async def test_down_ends_what_a_killed_supervisor_left_behind(layout: Layout, tmp_path: Path, quiet: Progress) -> None:
    supervisor = Supervisor(layout)
    edge = _server("edge", ports.free_port(), tmp_path)
    supervisor.launch([edge])
    pid = await _running(supervisor, edge)
    boss = supervisor.process()
    assert boss is not None
    boss.kill()
    await eventually(lambda: not boss.is_running())
    assert [(process.state, process.pid) for process in report(layout)] == [("ORPHANED", pid)]
    down(layout, quiet)
    assert not psutil.pid_exists(pid)
    assert not ports.is_open(edge.port)


async def test_after_a_killed_supervisor_everything_starts_again(
    layout: Layout, tmp_path: Path, quiet: Progress
) -> None:
    """Its socket and pid file are still there, and say nothing."""
    supervisor = Supervisor(layout)
    edge = _server("edge", ports.free_port(), tmp_path)
    supervisor.launch([edge])
    first = await _running(supervisor, edge)
    boss = supervisor.process()
    assert boss is not None
    boss.kill()
    await eventually(lambda: not boss.is_running())
    orphans.end(orphans.processes(layout), lambda text: None)
    supervisor.launch([edge])
    assert await _running(supervisor, edge) != first


async def test_down_ends_a_supervisor_that_does_not_answer(layout: Layout, tmp_path: Path, quiet: Progress) -> None:
    supervisor = Supervisor(layout)
    edge = _server("edge", ports.free_port(), tmp_path)
    supervisor.launch([edge])
    await _running(supervisor, edge)
    (layout.sockets / "supervisor.sock").unlink()
    down(layout, quiet)
    assert orphans.processes(layout) == []


def test_a_stranger_with_a_recorded_pid_is_left_alone(layout: Layout, quiet: Progress) -> None:
    """Pid files can name a process that has nothing to do with us by now: ours."""
    (layout.run / "supervisord.pid").write_text(f"{os.getpid()}\n")
    down(layout, quiet)
    assert psutil.Process().is_running()


def test_two_commands_do_not_work_on_one_stack_at_the_same_time(layout: Layout, quiet: Progress) -> None:
    with exclusive(layout), pytest.raises(StackError, match=r"^Another `posto up`"):
        down(layout, quiet)
    down(layout, quiet)


def test_clean_removes_only_what_the_stack_put_there(layout: Layout, quiet: Progress) -> None:
    keepsake = layout.root / "keepsake"
    keepsake.touch()
    (layout.kafka / "data").mkdir()
    layout.env.touch()
    clean(layout, quiet)
    assert list(layout.root.iterdir()) == [keepsake]
    keepsake.unlink()
    clean(layout, quiet)
    assert not layout.root.exists()


async def test_a_stack_in_a_folder_with_a_very_long_path_can_be_supervised(tmp_path: Path, quiet: Progress) -> None:
    deep = Layout.at(tmp_path / ("deep folder " * 12))
    deep.create()
    supervisor = Supervisor(deep)
    edge = _server("edge", ports.free_port(), tmp_path)
    supervisor.launch([edge])
    await _running(supervisor, edge)
    clean(deep, quiet)
    assert orphans.processes(deep) == []
    assert not deep.sockets.exists()
