"""A worker's process: settings, Kafka, MySQL, gateway and agents put together."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar
from uuid import uuid4

import structlog
import uvloop

from adapters.mysql.projector import Projector
from adapters.preconditions import Preconditions
from adapters.targets import Targets
from infra.assembly import assemble
from infra.database import database
from infra.errors import OperatorError
from infra.gateway import gateway_client
from infra.kafka import connection
from infra.logging import configure
from infra.lookout import Lookout
from infra.reconciler import Reconciler
from infra.settings import Settings, require
from infra.topics import list_topics
from infra.vitals import Vitals
from streams import failpoints, topics
from streams.alarm_bell import AlarmBell
from streams.applied_reports import AppliedReports
from streams.configuration_feed import ConfigurationFeed
from streams.mute_feed import MuteFeed
from streams.runtime import die
from streams.runtime.ends import Ends
from streams.runtime.heartbeat import Heartbeat
from streams.runtime.running import is_ready, run
from streams.runtime.watchdog import Watchdog
from streams.topics import BY_NAME

log = structlog.get_logger()

T = TypeVar("T")

_TOPICS_WAIT = 2.0


class StoppedError(Exception):
    """The worker was told to stop before it had started."""


def serve(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then hand the partitions over."""
    require("MYSQL_DSN", settings.mysql_dsn)
    configure(settings, "worker")
    failpoints.arm(os.environ)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    heartbeat = Heartbeat(settings.posto_stall_seconds)
    heartbeat.start()
    try:
        async with AsyncExitStack() as stack:
            stack.callback(heartbeat.stop)
            await _work(settings, stop, stack)
    except StoppedError:
        log.info("worker_stopped_before_it_started")


async def _work(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
    kafka = connection(settings)
    vitals = Vitals("waiting for Kafka and its topics")
    await stack.enter_async_context(vitals.served(settings.posto_host, settings.posto_metrics_port))
    await _unless(stop, _topics_are_right(settings, vitals))

    db = database(settings)
    stack.push_async_callback(db.close)
    reconciler = Reconciler(settings, failed=die)
    await reconciler.start()
    stack.push_async_callback(reconciler.stop)
    lookout = Lookout(settings, failed=die)
    await lookout.start()
    stack.push_async_callback(lookout.stop)
    name = f"{topics.APP_ID}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
    reports = AppliedReports(kafka, name, socket.gethostname(), os.getpid(), failed=die)
    await reports.start()
    stack.push_async_callback(reports.stop)
    feed = ConfigurationFeed(kafka, failed=die, applied=reports.tell)
    await feed.start()
    stack.push_async_callback(feed.stop)
    vitals.waits_for = "waiting for the first complete configuration: nothing is decided before"
    await _unless(stop, feed.ready())

    vitals.waits_for = "waiting for partitions and their tables"
    gateway = await stack.enter_async_context(gateway_client(settings))
    bell = AlarmBell(kafka, failed=die)
    await bell.start()
    stack.push_async_callback(bell.stop)
    still_holds = await stack.enter_async_context(
        Preconditions(settings.posto_precondition_hosts, settings.posto_precondition_timeout_seconds)
    )
    targets = await stack.enter_async_context(
        Targets(settings.posto_target_networks, settings.posto_target_concurrency)
    )
    mutes = MuteFeed(kafka, failed=die)
    await mutes.start()
    stack.push_async_callback(mutes.stop)
    await _unless(stop, mutes.ready())
    app = assemble(settings, name, feed, Projector(db), gateway, still_holds, bell, targets, mutes)
    vitals.ready = lambda: is_ready(app)
    ends = Ends(kafka, in_sync=settings.posto_min_insync_replicas)
    watchdog = Watchdog(app, ends, limit=settings.posto_stall_seconds)
    watchdog.start(failed=die)
    stack.push_async_callback(watchdog.stop)
    await run(app, stop)


async def _topics_are_right(settings: Settings, vitals: Vitals) -> None:
    """Wait until every topic is there; OperatorError where one has another partition count than it must."""
    while missing := [topic.topic for topic in await list_topics(settings) if not topic.partitions]:
        vitals.waits_for = f"waiting for the topic {missing[0]}: run `posto topics apply`"
        log.warning("topics_missing", topics=missing, hint="run `posto topics apply`", retry_in_seconds=_TOPICS_WAIT)
        await asyncio.sleep(_TOPICS_WAIT)
    for topic in await list_topics(settings):
        wanted = BY_NAME[topic.topic].partition_count(settings.posto_partitions)
        if topic.partitions != wanted:
            raise OperatorError(
                f"Topic {topic.topic} has {topic.partitions} partitions and must have {wanted}: set POSTO_PARTITIONS "
                "to what the topics have."
            )


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T:
    """The result of work; StoppedError where the process was told to stop first."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    raise StoppedError
