"""A process with the hub's own router and nothing else, which may die between its outputs and its commit."""

import argparse
import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import timedelta

import uvloop

from agents import router
from streams import topics
from streams.configuration_feed import ConfigurationFeed
from streams.quarantine import Held
from streams.runtime import Batch, BatchApp, RuntimeConfig, die
from streams.runtime.running import run


class NoQuarantine:
    """Releases nothing."""

    async def take(self, incoming: Mapping[int, Sequence[Held]]) -> None:
        """Let it lie."""


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("servers")
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--die-before-commit", action="store_true")
    options = parser.parse_args()
    connection = {"bootstrap_servers": options.servers}
    feed = ConfigurationFeed(connection, failed=die)
    await feed.start()
    await feed.ready()
    config = RuntimeConfig(connection, partitions=options.partitions, session_timeout=6.0)
    app = BatchApp(config)
    stage = app.batch_agent(
        *router.SOURCES,
        name="router",
        function=router.build(feed, NoQuarantine(), keep=timedelta(days=30)),
        outputs=router.OUTPUTS,
        table=app.batch_table(topics.SEEN_TABLE, shedding=router.SHEDDING),
    )
    if options.die_before_commit:
        publish = stage._publish

        async def publish_and_die(batch: Batch) -> None:
            await publish(batch)
            os.kill(os.getpid(), signal.SIGKILL)

        stage._publish = publish_and_die  # type: ignore[method-assign]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(app, stop)


if __name__ == "__main__":
    uvloop.run(main())
