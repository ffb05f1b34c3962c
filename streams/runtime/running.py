"""Running a batch app inside a process: start, wait, hand over, stop."""

import asyncio

import structlog

from streams.runtime.app import BatchApp
from streams.runtime.errors import BatchRuntimeError

log = structlog.get_logger()


class CrashedError(BatchRuntimeError):
    """Faust's services failed; the process must stop and start anew."""


async def run(app: BatchApp, stop: asyncio.Event) -> None:
    """Run an app until `stop` is set, then hand its partitions over; CrashedError where Faust gave up by itself.

    Kafka must be reachable when it starts: a Faust app whose start failed cannot be started again.
    """
    app.finalize()
    await app.start()
    log.info("worker_started", app=app.conf.id)
    try:
        if await app.wait_for_stopped(stop) and not stop.is_set():
            raise CrashedError(f"{app.conf.id} stopped by itself: {app.crash_reason!r}") from app.crash_reason
    finally:
        await app.stop()
        log.info("worker_stopped", app=app.conf.id)


def is_ready(app: BatchApp) -> bool:
    """Whether the app has its partitions, their tables are recovered, and records flow."""
    return bool(app.tables.recovery.completed.is_set() and not app.rebalancing)
