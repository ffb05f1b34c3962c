"""Ends a worker whose input moves while its commits stand still, and says how far each partition lags."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import structlog
from faust.types import TP
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streams.background import Background, Failed
from streams.runtime.app import BatchApp
from streams.runtime.ends import Ends
from streams.runtime.heartbeat import end_stalled
from streams.runtime.progress import Progress
from streams.runtime.running import is_ready
from streams.runtime.standstill import Sign, Standstill

log = structlog.get_logger()

_LONGEST_INTERVAL: Final = 5.0
_LOOKS: Final = 8


class Stall(NamedTuple):
    """A partition that does not move. `doing` is what its stage has in hand."""

    topic: str
    partition: int
    stage: str
    doing: str
    seconds: float
    committed: int | None
    lag: int


Stalled = Callable[[Stall], None]


def end(stall: Stall) -> None:
    """Say what stands still, with the stacks of all tasks and threads, and end the process."""
    for task in asyncio.all_tasks():
        task.print_stack(limit=8, file=sys.stderr)
    end_stalled("its input moves and its commits stand still", **stall._asdict())


class Watchdog(Collector):
    """Looks at the partitions of an app, and calls `stalled` for one that has work and does not come a step further
    for `limit` seconds.

    No stall: Kafka is away or has too few copies, the group rebalances, tables recover, partitions are handed over, or
    the stage waits out a fault that it declared transient. Its metrics are of the last look.
    """

    def __init__(
        self,
        app: BatchApp,
        ends: Ends,
        *,
        limit: float,
        stalled: Stalled = end,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._ends = ends
        self._limit = limit
        self._stalled = stalled
        self._clock = clock
        self._interval = min(_LONGEST_INTERVAL, limit / _LOOKS)
        self._standstill: Standstill[TP] = Standstill(self._interval)
        self._lags: Mapping[TP, tuple[int, int | None]] = {}
        self._work: Background | None = None

    def start(self, failed: Failed | None = None) -> None:
        """Begin to look; returns at once."""
        REGISTRY.register(self)
        self._work = Background("watchdog", failed)
        self._work.start(self._run())

    async def stop(self) -> None:
        """Look no longer."""
        REGISTRY.unregister(self)
        if self._work is not None:
            await self._work.stop()
        await self._ends.close()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The lag and age of each partition that this worker owns."""
        places = ["topic", "partition"]
        lag = GaugeMetricFamily("posto_lag_records", "Records that are not worked through.", labels=places)
        age = GaugeMetricFamily("posto_oldest_seconds", "Age of the oldest record of them.", labels=places)
        for tp, (records, oldest) in self._lags.items():
            labels = [tp.topic, str(tp.partition)]
            lag.add_metric(labels, records)
            age.add_metric(labels, max(time.time() - oldest / 1000, 0.0) if oldest is not None else 0.0)
        return lag, age

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        ends = await self._ends.of(self._app.consumer.progress()) if self._is_working() else None
        if not self._is_working():
            self._lags = {}
            self._standstill.forget()
            return
        progress = self._app.consumer.progress()
        found = {tp: (one.lag(ends.get(tp) if ends else None), one.oldest) for tp, one in progress.items()}
        self._lags = found
        if ends is None:
            self._standstill.forget()
            return
        standing = self._standstill.look(
            self._clock(), {tp: self._sign(tp, one, found[tp][0]) for tp, one in progress.items()}
        )
        if standing is None or standing.seconds < self._limit:
            return
        if not await self._ends.are_written(self._written()):
            log.warning("kafka_takes_no_records", hint="a partition has no leader or too few copies in sync")
            self._standstill.forget()
            return
        tp = standing.place
        stage = self._app.stages[tp.topic]
        self._stalled(
            Stall(
                topic=tp.topic,
                partition=tp.partition,
                stage=stage.name,
                doing=str(stage.activity),
                seconds=round(standing.seconds, 1),
                committed=progress[tp].committed,
                lag=found[tp][0],
            )
        )

    def _is_working(self) -> bool:
        is_going = is_ready(self._app) and not self._app.should_stop
        return is_going and not self._app.consumer.handing_over.is_set()

    def _sign(self, tp: TP, progress: Progress, lag: int) -> Sign:
        """A partition moves with its commits. What waits behind other work of its stage moves with that."""
        activity = self._app.stages[tp.topic].activity
        behind = activity.steps if progress.unacked and not progress.is_commit_due else None
        return Sign(
            moves=(progress.committed, behind),
            has_work=bool(lag) or progress.is_commit_due,
            is_excused=bool(activity.waits_for),
        )

    def _written(self) -> set[str]:
        """The topics without which nothing moves."""
        written = {topic for stage in self._app.stages.values() for topic in stage.outputs}
        return written | set(self._app.tables.changelog_topics)
