"""The processes of an edge that has several: started, started again when one ends, and ended together."""

import asyncio
import signal
import sys
import tempfile
from contextlib import suppress
from typing import Final

import structlog

from infra.stack.foreground import end_with_parent

log = structlog.get_logger()

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 10.0
_STEADY_SECONDS: Final = 30.0
"""A process that has run for so long is started again at once."""
_STOP_SECONDS: Final = 30.0
"""Enough for the requests under way (10 s), the rest of the spool (5 s), and letting go of Kafka (10 s)."""


def keep_processes(host: str, port: int, count: int) -> None:
    """Keep so many processes running until SIGTERM or SIGINT, then end them all; each drains what is under way."""
    asyncio.run(_keep_all(host, port, count))


async def _keep_all(host: str, port: int, count: int) -> None:
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    with tempfile.TemporaryDirectory(prefix="posto-edge-") as folder:
        command = [sys.executable, "-P", "-m", "infra.cli", "edge", "--host", host, "--port", str(port)]
        command += ["--workers", str(count), "--folder", folder]
        async with asyncio.TaskGroup() as keeping:
            for number in range(1, count + 1):
                keeping.create_task(_Keeper([*command, "--number", str(number)], number, stop).keep())


class _Keeper:
    """Keeps one process running."""

    def __init__(self, command: list[str], number: int, stop: asyncio.Event) -> None:
        self._command = command
        self._number = number
        self._stop = stop

    async def keep(self) -> None:
        """Start it whenever it does not run, each time later if it ends soon, until all are to stop; then end it."""
        loop = asyncio.get_running_loop()
        wait = _FIRST_WAIT
        while not self._stop.is_set():
            began = loop.time()
            process = await self._started()
            await self._ended_or_stopped(process)
            if self._stop.is_set():
                await self._end(process)
                return
            wait = _FIRST_WAIT if loop.time() - began > _STEADY_SECONDS else min(wait * 2, _LONGEST_WAIT)
            log.error("edge_process_ended", number=self._number, code=process.returncode, again_in_seconds=wait)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)

    async def _started(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is our business, and said once
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )
        log.info("edge_process_started", number=self._number, pid=process.pid)
        return process

    async def _ended_or_stopped(self, process: asyncio.subprocess.Process) -> None:
        waits = {asyncio.create_task(process.wait()), asyncio.create_task(self._stop.wait())}
        _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in left:
            wait.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            log.error("edge_process_does_not_end", number=self._number, pid=process.pid)  # noqa: TRY400
            process.kill()
            await process.wait()
