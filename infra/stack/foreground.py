"""A program of the stack as a child of the calling process: for tests and benchmarks, which bring their own servers."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import StackError
from infra.stack.program import START_SECONDS, Program
from infra.stack.waiting import until

_PR_SET_PDEATHSIG = 1


@contextmanager
def running(program: Program, log: Path) -> Iterator[None]:
    """Run the program until the block ends; on Linux it ends with us, however we end (call from the main thread)."""
    with starting(program, log) as wait:
        wait()
        yield


@contextmanager
def starting(program: Program, log: Path) -> Iterator[Callable[[], None]]:
    """As `running`, but the block begins at once; it is given a function that waits until the program is ready."""
    script = program.directory / f"{program.name}.sh"
    script.touch(mode=0o600)
    script.write_text(program.script())
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["/bin/sh", str(script)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )

    def wait() -> None:
        until(
            lambda: process.poll() is not None or program.is_ready(),
            START_SECONDS,
            lambda: f"{program.name} is not ready after {START_SECONDS:g} s: {last_line(log)}",
        )
        if process.returncode is not None:
            raise StackError(f"{program.name} ended with {process.returncode}: {last_line(log)}")

    try:
        yield wait
    finally:
        process.terminate()
        try:
            process.wait(program.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def last_line(log: Path) -> str:
    """The last line of a log, for a message that must say why something did not come up."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "its log is empty"


def end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
