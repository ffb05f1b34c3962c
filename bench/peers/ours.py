"""Our own runtime, with as many of its stages as the race is about."""

import asyncio
import signal
import sys

import structlog
import uvloop

from agents import normalizer, router
from bench.peers.task import Meter, Task, task
from bench.peers.work import function_of, source_of
from streams import topics
from streams.runtime import AgentFunction, Batch, BatchApp, BatchTable, RuntimeConfig
from streams.runtime.running import run


def build(told: Task, meter: Meter, stop: asyncio.Event) -> BatchApp:
    """The stages as `agents/topology.py` puts them on an app."""
    app = BatchApp(RuntimeConfig({"bootstrap_servers": told.servers}, app_id=told.group, partitions=told.partitions))

    def counted(stage: str) -> AgentFunction:
        function = function_of(stage)

        async def agent(batch: Batch) -> None:
            meter.begin()
            await function(batch)
            if stage == told.stages[-1] and meter.done(len(batch.records)):
                stop.set()

        return agent

    for stage in told.stages:
        app.batch_agent(
            source_of(stage),
            name=stage,
            function=counted(stage),
            outputs=normalizer.OUTPUTS if stage == "normalizer" else router.OUTPUTS,
            table=table_of(stage, app),
        )
    return app


def table_of(stage: str, app: BatchApp) -> BatchTable | None:
    """The stage's table, if it has one."""
    if stage == "normalizer":
        return None
    return app.batch_table(topics.SEEN_TABLE, shedding=router.SHEDDING if stage == "router" else None)


async def main(told: Task) -> None:
    """Work until all is done."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    meter = Meter(told.events)
    await run(build(told, meter, stop), stop)
    meter.tell()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    uvloop.run(main(task()))
