"""Workers join, leave and die in the middle of their batches: nothing is lost and no commit runs ahead."""

import asyncio
import random
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.streams.runtime.cluster import Cluster
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

EVENTS = 50_000
PRELOADED = 10_000
AHEAD = 3_000
SEED = 20_261_124


class CommitRanAheadError(Exception):
    """A commit passed what was carried out."""


async def test_rebalances_in_the_middle_of_batches_lose_nothing(kafka: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with Cluster(kafka, tmp_path) as cluster:
        numbers = _with_repeats(chance)
        await cluster.send_numbers(numbers[:PRELOADED])
        live = [cluster.start("--slow", "0.02"), cluster.start("--slow", "0.02")]
        feed = asyncio.create_task(_trickle(cluster, numbers[PRELOADED:]))

        for operation in ("join", "kill", "term", "kill", "term"):
            await _progress(cluster, chance)
            if operation == "join":
                live.append(cluster.start("--slow", "0.02"))
                continue
            worker = live.pop(chance.randrange(len(live)))
            await cluster.stop(worker, signal.SIGKILL if operation == "kill" else signal.SIGTERM)
            live.append(cluster.start("--slow", "0.02"))

        await feed
        await eventually(lambda: _drained(cluster), 90, because=cluster.logs())
        outputs = await cluster.outputs()
        assert len(outputs) == EVENTS
        assert [values for values in outputs.values() if len(values) > 1] == []


def _with_repeats(chance: random.Random) -> list[int]:
    numbers = []
    for number in range(EVENTS):
        numbers.append(number)
        if chance.random() < 0.2:
            numbers.append(chance.randrange(max(0, number - 20_000), number + 1))
    return numbers


async def _trickle(cluster: Cluster, numbers: list[int]) -> None:
    """Feed the rest as the workers carry it out, so that every rebalance meets traffic."""
    step = 300
    for start in range(0, len(numbers), step):
        await eventually(partial(_has_room, cluster, PRELOADED + start), 120, because="the workers stand still")
        await cluster.send_numbers(numbers[start : start + step])


def _has_room(cluster: Cluster, sent: int) -> bool:
    return sent - _carried_out(cluster) < AHEAD


def _carried_out(cluster: Cluster) -> int:
    return sum(cluster.durable().values())


async def _progress(cluster: Cluster, chance: random.Random) -> None:
    """Wait until all live workers have joined and some more records are carried out; the seed decides how many."""
    await eventually(cluster.joined, 60, because=cluster.logs())
    wanted = min(EVENTS, _carried_out(cluster) + chance.randrange(1_000, 4_000))

    async def reached() -> bool:
        await _look_at_commits(cluster)
        return _carried_out(cluster) >= wanted

    await eventually(reached, 60, because=cluster.logs())


async def _drained(cluster: Cluster) -> bool:
    await _look_at_commits(cluster)
    return await cluster.drained()


async def _look_at_commits(cluster: Cluster) -> None:
    """Hold the commits against what the workers had noted as durable by then."""
    committed = await cluster.committed()
    durable = cluster.durable()
    for partition, position in committed.items():
        if position > durable.get(partition, 0):
            raise CommitRanAheadError(f"partition {partition} committed {position}, carried out was {durable}")
