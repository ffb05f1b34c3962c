"""Running a batch app inside a process: start, wait, hand over, stop."""

import asyncio
from typing import Final

import structlog

from streams import heap
from streams.runtime.app import BatchApp
from streams.runtime.errors import BatchRuntimeError

log = structlog.get_logger()

YOUNG_OBJECTS: Final = 50_000
"""So many new objects until the garbage collector looks through them: a fetched batch has tens of thousands, which no
cycle holds. At Python's 700 it took a sixth of the router's time (25 instead of 21 microseconds an event)."""


class CrashedError(BatchRuntimeError):
    """Faust's services failed by themselves."""


async def run(app: BatchApp, stop: asyncio.Event) -> None:
    """Run an app until `stop` is set or the ownership of a partition is lost, then hand its partitions over.

    After such a loss the process ends with an exit code of its own, so that whoever started it starts it again.
    Where Faust gives up by itself the process ends: a broken service cannot be trusted to stop in order. Kafka must be
    reachable at the start: a Faust app whose start failed cannot be started again.
    """
    app.finalize()
    await app.start()
    heap.settle(YOUNG_OBJECTS)
    log.info("worker_started", app=app.conf.id)
    ended = await app.wait_first(stop, app.ownership_lost)
    if ended.stopped and not stop.is_set():
        crash = CrashedError(f"{app.conf.id} stopped by itself: {app.crash_reason!r}")
        crash.__cause__ = app.crash_reason  # for the log
        app.fatal(crash)
    try:
        async with asyncio.timeout(app.stop_seconds):
            await app.stop()
    except TimeoutError:  # Kafka is away, say: what is not committed comes again
        app.fatal(CrashedError(f"{app.conf.id} did not stop within {app.stop_seconds:g} seconds"))
    if app.lost is not None:
        app.fatal(app.lost)
    log.info("worker_stopped", app=app.conf.id)


def is_ready(app: BatchApp) -> bool:
    """Whether the app has its partitions, their tables are recovered, and records flow."""
    return bool(app.tables.recovery.completed.is_set() and not app.rebalancing)
