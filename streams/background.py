"""Work that goes on beside everything else, and does not end unnoticed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()

Failed = Callable[[BaseException], None]


class Background:
    """One coroutine in a task of its own. Where it raises, that is logged and `failed` is called with the error."""

    def __init__(self, name: str, failed: Failed | None = None) -> None:
        self._name = name
        self._failed = failed
        self._task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin; to be called once."""
        self._task = asyncio.create_task(work, name=self._name)
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancel the work and wait for its end; harmless where it never began or has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def until(self, event: asyncio.Event) -> None:
        """Wait for an event that the work sets; raises what ended the work before."""
        if self._task is None:
            raise RuntimeError(f"{self._name} was not started")
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not event.is_set():
            raise _failure(self._task) or asyncio.CancelledError

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = _failure(task)
        if error is None:
            return
        log.critical("background_work_failed", work=self._name, exc_info=error)
        if self._failed is not None:
            self._failed(error)


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    """What ended a task: an error, or a cancellation that nobody asked for, as a library's own can leak out of it."""
    if not task.cancelled():
        return task.exception()
    return None if task.cancelling() else RuntimeError("cancelled from within")
