"""A thread that ends the process where its event loop does not come round any more."""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from typing import Final

import structlog

log = structlog.get_logger()

EXIT_STALLED: Final = 75
"""Exit code of a process that ended itself because it stood still (EX_TEMPFAIL of sysexits.h)."""

_TICK: Final = 1.0
_SAYING_SECONDS: Final = 5.0


class Heartbeat:
    """Watches the event loop on which it is started: after `limit` seconds without a beat the process ends, and the
    stacks of all threads are on standard error.

    A process that was frozen as a whole (SIGSTOP, a suspended machine) is not ended for it. Code that never lets go of
    Python's lock stops this thread as well: then the interpreter's own timer ends the process, with exit code 1, at
    twice the limit; that one counts a freeze.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._tick = min(_TICK, limit / 4)
        self._beats = 0
        self._stopped = threading.Event()
        self._beating: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._watch, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin; to be called once, on the loop."""
        self._beating = asyncio.create_task(self._beat(), name="heartbeat")
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()
        if self._beating is not None:
            self._beating.cancel()
        faulthandler.cancel_dump_traceback_later()

    async def _beat(self) -> None:
        while True:
            self._beats += 1
            faulthandler.dump_traceback_later(2 * self._limit, exit=True, file=sys.__stderr__ or 2)
            await asyncio.sleep(self._tick)

    def _watch(self) -> None:
        seen, silent, before = 0, 0.0, time.monotonic()
        while not self._stopped.wait(self._tick):
            now = time.monotonic()
            step, before = min(now - before, 2 * self._tick), now
            silent = silent + step if self._beats == seen else 0.0
            seen = self._beats
            if silent >= self._limit:
                end_stalled("the event loop does not come round", seconds=round(silent, 1))


def end_stalled(why: str, **details: object) -> None:
    """Say why, with the stacks of all threads, and end the process, also where nothing can be said any more."""

    def say() -> None:
        log.critical("worker_stalled", why=why, exit_code=EXIT_STALLED, **details)
        faulthandler.dump_traceback(file=2, all_threads=True)

    saying = threading.Thread(target=say, daemon=True)  # whoever blocks us may hold the log's lock, or its pipe
    saying.start()
    saying.join(_SAYING_SECONDS)
    os._exit(EXIT_STALLED)
