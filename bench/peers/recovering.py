"""The router's table of a worker that has just started: how long it takes to be there, and how much room."""

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from time import perf_counter, thread_time
from typing import Any

import psutil
import structlog
import uvloop

from agents import router
from bench.peers.task import Task, task
from bench.peers.work import KEEP, routing
from streams import topics
from streams.forgetting import Forgetting
from streams.runtime import BatchApp, BatchTable, RuntimeConfig
from streams.runtime.running import run


class Pauses:
    """How long a loop does not come round, in time of its thread: what else this machine does is not our pause."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            began = thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, thread_time() - began)

    def stop(self) -> float:
        """The longest, in milliseconds."""
        self._task.cancel()
        return self.longest * 1000


async def _swept(table: BatchTable, now: datetime) -> dict[str, Any]:
    """What forgetting costs those who wait for their turn."""
    pauses, began = Pauses(), perf_counter()
    forgotten = await Forgetting(table, keep=KEEP, now=lambda: now).sweep()
    return {"forgotten": forgotten, "seconds": perf_counter() - began, "pause_ms": pauses.stop()}


async def main(told: Task) -> None:
    """Recover, sweep twice, where nothing and where everything is over, and stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = BatchApp(RuntimeConfig({"bootstrap_servers": told.servers}, app_id=told.group, partitions=told.partitions))
    table = app.batch_table(topics.SEEN_TABLE, shedding=router.SHEDDING)
    app.batch_agent(*router.SOURCES, name="router", function=routing(), outputs=router.OUTPUTS, table=table)
    memory = psutil.Process().memory_info
    before, began = memory().rss, perf_counter()
    line: dict[str, Any] = {}

    @table.recovered
    async def look(owned: frozenset[int]) -> None:
        line["seconds"] = perf_counter() - began
        line["keys"] = table.size()
        line["megabytes"] = memory().rss / 1e6
        line["keys_megabytes"] = (memory().rss - before) / 1e6
        now = datetime.now(UTC)
        line["young"] = await _swept(table, now)
        line["old"] = await _swept(table, now + KEEP + timedelta(days=1))
        stop.set()

    await run(app, stop)
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    uvloop.run(main(task()))
