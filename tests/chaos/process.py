"""One process of the system under test: started, killed, stopped, made to stand still, started again."""

import asyncio
import contextlib
import ctypes
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.stack.program import Program
from tests.support.stack import clean_environ
from tests.support.waiting import eventually

_PR_SET_PDEATHSIG = 1
_LAST_LINES = 12


class Process:
    """A program of the stack as our own child, with its output in `log`; on Linux it ends with us.

    `is_wanted` says that it is to run: the system starts it again where it ends by itself.
    """

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.is_wanted = False
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or stands still."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._popen.poll() if self._popen else None

    def start(self, more: Mapping[str, str] | None = None) -> None:
        """Start it, with `more` in its environment."""
        program = dataclasses.replace(self.program, environment={**self.program.environment, **(more or {})})
        script = self.log.with_suffix(".sh")
        script.touch(mode=0o600)
        script.write_text(program.script())
        self.is_wanted = True
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                ["/bin/sh", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=clean_environ(),
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self._popen and self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._popen.pid, number)

    async def stop(self, within: float = 40.0) -> bool:
        """SIGTERM, also to one that stands still, and SIGKILL after `within` seconds; whether it went by itself."""
        self.is_wanted = False
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)
        if went := await self.ended(within):
            return went
        self.send(signal.SIGKILL)
        await self.ended(10)
        return False

    async def ended(self, within: float) -> bool:
        """Wait for its end; whether it came in time."""
        with contextlib.suppress(AssertionError):
            await eventually(lambda: not self.is_alive, within, 0.05)
        return not self.is_alive

    async def is_ready(self) -> bool:
        """Whether it says that it does its work."""
        return self.is_alive and await asyncio.to_thread(self.program.is_ready)

    def said(self) -> str:
        """What it is and what it said last, for the message of a failure."""
        last = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if self.log.exists() else []
        state = "runs" if self.is_alive else f"ended with {self.exit_code}"
        return f"{self.program.name} {state} and said last:\n" + "\n".join(last) + f"\n({self.log})"


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
