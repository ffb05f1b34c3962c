"""What the watchdog takes for a stall, looked at through an app and a Kafka of the test's own."""

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from prometheus_client import REGISTRY

from streams.runtime.activity import Activity
from streams.runtime.progress import Progress
from streams.runtime.watchdog import Stall, Watchdog

LIMIT = 8.0
A, B = TP("raw", 0), TP("raw", 1)


class Kafka:
    """Where partitions end; None while it is away."""

    def __init__(self) -> None:
        self.ends: Mapping[tuple[str, int], int] | None = {A: 10, B: 10}
        self.takes_records = True

    async def of(self, places: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int] | None:
        return self.ends

    async def are_written(self, topics: Collection[str]) -> bool:
        return self.takes_records

    async def close(self) -> None:
        """Nothing is open."""


class Bench:
    """An app whose partitions stand where the test says, and a watchdog that looks when it says."""

    def __init__(self) -> None:
        self.kafka = Kafka()
        self.now = 0.0
        self.stalls: list[Stall] = []
        self.progress = {A: Progress(committed=10, acked=10, fetched=10)}
        self.activity = Activity()
        completed = asyncio.Event()
        completed.set()
        self.consumer = SimpleNamespace(progress=lambda: self.progress, handing_over=asyncio.Event())
        app: Any = SimpleNamespace(
            consumer=self.consumer,
            rebalancing=False,
            should_stop=False,
            tables=SimpleNamespace(recovery=SimpleNamespace(completed=completed), changelog_topics={"changelog"}),
            stages={"raw": SimpleNamespace(name="reader", activity=self.activity, outputs=("out",))},
        )
        self.app = app
        kafka: Any = self.kafka
        self.watchdog = Watchdog(self.app, kafka, limit=LIMIT, stalled=self.stalls.append, clock=lambda: self.now)

    async def looks(self, count: int) -> None:
        """So many looks, one a second."""
        for _ in range(count):
            await self.watchdog.look()
            self.now += 1


@pytest.fixture
async def bench() -> Bench:
    return Bench()


BATCH_IN_HAND = Progress(committed=5, acked=5, fetched=10, unacked=5, oldest=0)
NOT_FETCHED = Progress(committed=5, acked=5, fetched=5)
NOT_COMMITTED = Progress(committed=5, acked=10, fetched=10)


@pytest.mark.parametrize(
    "standing", [BATCH_IN_HAND, NOT_FETCHED, NOT_COMMITTED], ids=["in hand", "ahead", "uncommitted"]
)
async def test_whatever_stands_still_before_its_end_is_a_stall(bench: Bench, standing: Progress) -> None:
    bench.progress = {A: standing, B: Progress(committed=10, acked=10, fetched=10)}
    await bench.looks(8)
    assert bench.stalls == []
    await bench.looks(1)
    [stall] = bench.stalls
    assert (stall.topic, stall.partition, stall.stage, stall.committed, stall.seconds) == ("raw", 0, "reader", 5, 8.0)
    assert stall.doing == "waiting for records"


async def test_a_partition_at_its_end_may_stand_for_ever_also_behind_a_transactions_marker(bench: Bench) -> None:
    bench.progress = {A: Progress(committed=9, acked=9, fetched=10)}
    await bench.looks(99)
    assert bench.stalls == []


async def test_what_waits_behind_other_work_of_its_stage_is_no_stall_while_that_gets_on(bench: Bench) -> None:
    bench.progress = {A: BATCH_IN_HAND}
    for _ in range(20):
        bench.activity.step()
        await bench.looks(2)
    assert bench.stalls == []
    await bench.looks(7)
    assert len(bench.stalls) == 1


async def test_a_commit_that_does_not_come_is_a_stall_however_busy_its_stage_is(bench: Bench) -> None:
    bench.progress = {A: Progress(committed=5, acked=8, fetched=10, unacked=2, oldest=0)}
    for _ in range(9):
        bench.activity.step()
        await bench.looks(1)
    assert len(bench.stalls) == 1


@pytest.fixture(params=["kafka", "rebalance", "hand-over", "recovery", "fault"])
def excuse(request: pytest.FixtureRequest, bench: Bench) -> Iterator[Any]:
    """What begins an excuse, and what ends it."""
    completed = bench.app.tables.recovery.completed
    match request.param:
        case "kafka":
            yield lambda: setattr(bench.kafka, "ends", None), lambda: setattr(bench.kafka, "ends", {A: 10})
        case "rebalance":
            yield lambda: setattr(bench.app, "rebalancing", True), lambda: setattr(bench.app, "rebalancing", False)
        case "hand-over":
            yield bench.consumer.handing_over.set, bench.consumer.handing_over.clear
        case "recovery":
            yield completed.clear, completed.set
        case _:
            waiting = bench.activity.waiting(OSError("MySQL is away"))
            yield waiting.__enter__, lambda: waiting.__exit__(None, None, None)


async def test_what_waits_for_something_outside_has_its_whole_time_afterwards(bench: Bench, excuse: Any) -> None:
    begin, end = excuse
    bench.progress = {A: BATCH_IN_HAND}
    await bench.looks(7)
    begin()
    await bench.looks(30)
    end()
    await bench.looks(8)
    assert bench.stalls == []
    await bench.looks(1)
    assert len(bench.stalls) == 1


async def test_a_kafka_that_takes_no_records_is_no_stall(bench: Bench) -> None:
    bench.progress = {A: BATCH_IN_HAND}
    bench.kafka.takes_records = False
    await bench.looks(40)
    assert bench.stalls == []


async def test_lag_and_age_are_metrics_of_each_partition_that_is_owned(bench: Bench) -> None:
    a_minute_ago = int(time.time() - 60) * 1000
    bench.progress = {A: Progress(committed=5, acked=5, fetched=8, unacked=3, oldest=a_minute_ago)}
    bench.watchdog.start()
    await bench.looks(1)
    labels = {"topic": "raw", "partition": "0"}
    assert REGISTRY.get_sample_value("posto_lag_records", labels) == 5
    assert REGISTRY.get_sample_value("posto_oldest_seconds", labels) == pytest.approx(60, abs=5)
    bench.app.rebalancing = True
    await bench.looks(1)
    assert REGISTRY.get_sample_value("posto_lag_records", labels) is None
    await bench.watchdog.stop()
