"""In which live workers a change is in force."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer

from adapters.mysql.pool import Database
from infra.configuration import publish_configuration
from infra.kafka import connection
from infra.settings import Settings
from infra.workers import InForce, known_workers, told
from streams import topics
from streams.applied_reports import AppliedReports
from streams.configuration_feed import ConfigurationFeed
from tests.infra.test_configuration import SEEDS, author
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@asynccontextmanager
async def member(hub: Settings, name: str) -> AsyncIterator[None]:
    """A member of the workers' group, which does nothing else."""
    consumer = AIOKafkaConsumer(
        topics.EVENT_NORMALIZED,
        **connection(hub),
        group_id=topics.APP_ID,
        client_id=name,
        enable_auto_commit=False,
        heartbeat_interval_ms=100,
    )
    await consumer.start()
    try:
        yield
    finally:
        await consumer.stop()


@asynccontextmanager
async def worker(hub: Settings, name: str) -> AsyncIterator[None]:
    """What a worker does about the configuration."""
    kafka = connection(hub)
    async with AsyncExitStack() as stack:
        reports = AppliedReports(kafka, name, "here", 7)
        await reports.start()
        stack.push_async_callback(reports.stop)
        feed = ConfigurationFeed(kafka, applied=reports.tell)
        await feed.start()
        stack.push_async_callback(feed.stop)
        await feed.ready()
        await stack.enter_async_context(member(hub, name))
        yield


async def test_a_change_is_in_force_in_every_live_worker_within_a_second(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS)
    first = await publish_configuration(hub)
    async with AsyncExitStack() as stack:
        workers = await stack.enter_async_context(known_workers(hub))
        nobody = await workers.in_force(first.positions, 5)
        assert (nobody.workers, nobody.is_everywhere) == (0, False)
        assert told(nobody).startswith("No worker runs")
        for name in ("one", "two"):
            await stack.enter_async_context(worker(hub, name))
        await eventually(lambda: _is_everywhere(hub, first.positions), 20)
        for _ in range(3):
            await author(db, "UPDATE routing_rules SET priority = priority + 1 WHERE id = 'r'")
            outcome = await publish_configuration(hub)
            reached = await workers.in_force(outcome.positions, 5)
            assert (reached.workers, list(reached.waiting_for)) == (2, [])
            assert reached.seconds < 1
        assert told(reached) == "In force in all 2 workers."
        async with member(hub, "dumb"):
            silent = await workers.in_force(outcome.positions, 0.1)
            assert list(silent.waiting_for) == ["dumb"]
            assert " s in dumb; see that worker's log." in told(silent)
        assert (await workers.in_force(outcome.positions, 5)).is_everywhere
    async with known_workers(hub) as later:
        assert await later.applied() == {}, "who stops in order takes its report back"


async def _is_everywhere(hub: Settings, positions: Mapping[str, int]) -> bool:
    async with known_workers(hub) as workers:
        return (await workers.in_force(positions, 0.1)).is_everywhere


def test_what_is_said_of_one_worker() -> None:
    assert told(InForce(workers=1, waiting_for=(), seconds=0.1)) == "In force in the one worker."
