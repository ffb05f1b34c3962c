"""A lane writes one partition's entries in order, one batch at a time."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.edge.lane import Lane, Receipt
from adapters.edge.log import Entry, LogUnavailableError
from tests.adapters.edge.stub_producer import StubProducer
from tests.support.waiting import eventually


class Around:
    """A lane with what stands around it."""

    def __init__(self) -> None:
        self.producer = StubProducer()
        self.done: list[int] = []
        self.failed: list[Any] = []
        self.lane = Lane("raw.event", 0, self._ready, self.done.append, self.failed.append)

    async def _ready(self) -> StubProducer:
        return self.producer

    def put(self, *values: bytes) -> Receipt:
        receipt = Receipt(len(values))
        for value in values:
            self.lane.put(Entry("raw.event", None, value, []), receipt)
        return receipt


@pytest.fixture
async def around() -> AsyncIterator[Around]:
    made = Around()
    made.lane.start()
    yield made
    await made.lane.stop()


async def test_a_lone_entry_leaves_at_once_and_is_confirmed_only_by_kafka(around: Around) -> None:
    receipt = around.put(b"1")
    confirmation = await around.producer.nth(0)
    with pytest.raises(LogUnavailableError, match="did not confirm"):
        await receipt.wait(0.01)
    late = around.put(b"2")
    confirmation.set_result(None)
    (await around.producer.nth(1)).set_result(None)
    await late.wait(1)
    assert around.producer.values == [[b"1"], [b"2"]]


async def test_what_comes_while_a_batch_is_under_way_leaves_together_in_order(around: Around) -> None:
    first = around.put(b"1")
    confirmation = await around.producer.nth(0)
    second, third = around.put(b"2"), around.put(b"3", b"4", b"5")
    confirmation.set_result(None)
    await first.wait(1)
    (await around.producer.nth(1)).set_result(None)
    await second.wait(1)
    (await around.producer.nth(2)).set_result(None)
    await third.wait(1)
    assert around.producer.values == [[b"1"], [b"2", b"3", b"4"], [b"5"]]


async def test_a_receipt_waits_for_all_of_its_entries(around: Around) -> None:
    receipt = around.put(b"1", b"2", b"3", b"4")
    (await around.producer.nth(0)).set_result(None)
    confirmation = await around.producer.nth(1)
    with pytest.raises(LogUnavailableError, match="did not confirm"):
        await receipt.wait(0.01)
    assert len(around.done) == 3
    confirmation.set_result(None)
    await eventually(lambda: len(around.done) == 4)


async def test_a_failed_batch_fails_its_receipts_reports_its_producer_and_the_lane_goes_on(around: Around) -> None:
    failing = around.put(b"1")
    (await around.producer.nth(0)).set_exception(RuntimeError("whatever"))
    with pytest.raises(LogUnavailableError):
        await failing.wait(1)
    assert around.failed == [around.producer]
    assert around.done == [Entry("raw.event", None, b"1", []).size]
    following = around.put(b"2")
    (await around.producer.nth(1)).set_result(None)
    await following.wait(1)


async def test_a_stopped_lane_gives_up_what_is_under_way_and_keeps_what_waits(around: Around) -> None:
    under_way = around.put(b"1")
    await around.producer.nth(0)
    waiting = around.put(b"2")
    await around.lane.stop()
    with pytest.raises(LogUnavailableError):
        await under_way.wait(1)
    around.lane.start()
    (await around.producer.nth(1)).set_result(None)
    await waiting.wait(1)
    assert around.producer.values == [[b"1"], [b"2"]]


async def test_a_lane_says_how_long_a_batch_has_waited(around: Around) -> None:
    assert around.lane.busy_seconds == 0
    around.put(b"1")
    confirmation = await around.producer.nth(0)
    await eventually(lambda: around.lane.busy_seconds > 0.01)
    confirmation.set_result(None)
    await eventually(lambda: around.lane.busy_seconds == 0)
