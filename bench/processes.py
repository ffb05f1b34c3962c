"""A racer in a process of its own: a task in, one line of JSON out."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

import msgspec

from infra.stack.layout import CHECKOUT

_SECONDS: Final = 280.0
_TOLD: Final = 4_000  # bytes of what a failed one wrote


class RacerError(Exception):
    """A racer ended without its line."""


@dataclass(frozen=True)
class Running:
    """A racer's process, and the file that its errors go to."""

    module: str
    process: asyncio.subprocess.Process
    errors: IO[bytes]

    def stop(self) -> None:
        """Ask it to end."""
        if self.process.returncode is None:
            self.process.terminate()

    async def told(self) -> dict[str, Any]:
        """What the last line of its output says, once it has ended; RacerError where it failed or takes too long."""
        output = b""
        try:
            async with asyncio.timeout(_SECONDS):
                output, _ = await self.process.communicate()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        lines = output.splitlines()
        with self.errors:
            if self.process.returncode == 0 and lines:
                line: dict[str, Any] = msgspec.json.decode(lines[-1])
                return line
            self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - _TOLD))
            said = self.errors.read().decode(errors="replace")
        raise RacerError(f"{self.module} ended with {self.process.returncode}:\n{said}")


@dataclass(frozen=True)
class Racer:
    """A module that is run with `python -m`; `env` adds to the environment."""

    module: str
    env: Mapping[str, str] = field(default_factory=dict)

    async def start(self, *arguments: str) -> Running:
        """Its process, in the checkout."""
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed once it has told)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            *arguments,
            cwd=CHECKOUT,
            env={**os.environ, **self.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        return Running(self.module, process, errors)

    async def run(self, *arguments: str) -> dict[str, Any]:
        """Run it to its end and give its line."""
        return await (await self.start(*arguments)).told()
