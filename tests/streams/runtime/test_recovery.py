"""Rebalances that follow each other while a recovery is in its last steps, and what is delivered out of turn."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.tables.recovery import Recovery
from faust.types import TP

from streams.runtime.app import BatchApp
from streams.runtime.config import RuntimeConfig
from streams.runtime.consumer import NO_GENERATION, BatchConsumer
from streams.runtime.errors import BrokenInvariantError

NUMBERS = TP("numbers", 0)


@pytest.fixture
async def app() -> BatchApp:
    return BatchApp(RuntimeConfig({"bootstrap_servers": "127.0.0.1:1"}, app_id="recovery-test"))


def assign(app: BatchApp, generation: int) -> None:
    """What the consumer's thread does once the group has given out its partitions."""
    app.consumer_generation_id = generation


@pytest.mark.parametrize("is_assigned", [False, True])
async def test_a_recovery_that_a_rebalance_overtakes_does_not_end_it(
    app: BatchApp, is_assigned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_ending, may_end = asyncio.Event(), asyncio.Event()

    async def last_steps(self: Recovery, generation_id: int = 0) -> None:
        is_ending.set()
        await may_end.wait()
        self.app.on_rebalance_end()

    monkeypatch.setattr(Recovery, "on_recovery_completed", last_steps)
    app.on_rebalance_start()
    assign(app, 1)
    first = asyncio.create_task(app.tables.recovery.on_recovery_completed(1))
    await is_ending.wait()

    app.on_rebalance_start()
    assert app.consumer_generation_id == NO_GENERATION
    if is_assigned:
        assign(app, 2)
    may_end.set()
    await first
    assert app.rebalancing

    assign(app, 2)
    await app.tables.recovery.on_recovery_completed(2)
    assert not app.rebalancing


async def test_a_rebalance_that_begins_while_another_ends_goes_on(
    app: BatchApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def last_steps(self: Recovery, generation_id: int = 0) -> None:
        self.app.on_rebalance_end()

    def ended(self: Any) -> None:
        self.on_rebalance_start()  # by the other thread, in the middle
        self.rebalancing = False

    monkeypatch.setattr(Recovery, "on_recovery_completed", last_steps)
    monkeypatch.setattr(faust.App, "on_rebalance_end", ended)
    app.on_rebalance_start()
    assign(app, 1)
    await app.tables.recovery.on_recovery_completed(1)
    assert app.rebalancing


def records(*offsets: int) -> dict[Any, list[Any]]:
    common = {"topic": "numbers", "partition": 0, "timestamp": 0, "timestamp_type": 0, "key": b"", "value": b""}
    return {NUMBERS: [SimpleNamespace(offset=offset, **common) for offset in offsets]}


@pytest.fixture
async def consumer(app: BatchApp) -> AsyncIterator[Any]:
    made: Any = BatchConsumer(
        app.transport, callback=lambda message: None, on_partitions_revoked=None, on_partitions_assigned=None
    )
    yield made
    made._thread.thread_loop.close()


def test_a_batch_is_taken_in_hand_only_after_all_that_were_delivered_before_it(consumer: Any) -> None:
    first, second, third = (
        SimpleNamespace(tp=NUMBERS, value=consumer._as_batches(records(*offsets), set(), stale=False)[NUMBERS][0])
        for offsets in ((0, 1), (2, 3), (4, 5))
    )
    consumer.begin(first)
    with pytest.raises(
        BrokenInvariantError, match="the batch ending at 5 came to its agent before the one ending at 3"
    ):
        consumer.begin(third)
    consumer.begin(second)
    consumer.begin(third)
