"""A lane writes one partition's entries in order, one batch at a time."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from adapters.edge.lane import Lane
from adapters.edge.log import Entry, LogRefusedError, LogUnavailableError
from adapters.edge.receipts import Receipt, items
from tests.adapters.edge.stub_producer import StubProducer
from tests.support.waiting import eventually

LATE = LogUnavailableError("late")


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
        made, receipt = items([Entry("raw.event", None, value, []) for value in values])
        for item in made:
            self.lane.put(item)
        return receipt

    @property
    def held(self) -> list[bytes]:
        return [item.entry.value for item in self.lane.held()]


@pytest.fixture
async def around() -> AsyncIterator[Around]:
    made = Around()
    made.lane.start()
    yield made
    await made.lane.stop()


async def test_a_lone_entry_leaves_at_once_and_is_confirmed_only_by_kafka(around: Around) -> None:
    receipt = around.put(b"1")
    confirmation = await around.producer.nth(0)
    assert not receipt.is_settled
    late = around.put(b"2")
    confirmation.set_result(None)
    (await around.producer.nth(1)).set_result(None)
    await late.kept()
    assert around.producer.values == [[b"1"], [b"2"]]


async def test_what_comes_while_a_batch_is_under_way_leaves_together_in_order(around: Around) -> None:
    first = around.put(b"1")
    confirmation = await around.producer.nth(0)
    second, third = around.put(b"2"), around.put(b"3", b"4", b"5")
    confirmation.set_result(None)
    await first.kept()
    (await around.producer.nth(1)).set_result(None)
    await second.kept()
    (await around.producer.nth(2)).set_result(None)
    await third.kept()
    assert around.producer.values == [[b"1"], [b"2", b"3", b"4"], [b"5"]]


async def test_a_receipt_waits_for_all_of_its_entries(around: Around) -> None:
    receipt = around.put(b"1", b"2", b"3", b"4")
    (await around.producer.nth(0)).set_result(None)
    confirmation = await around.producer.nth(1)
    assert not receipt.is_settled
    assert len(around.done) == 3
    confirmation.set_result(None)
    await eventually(lambda: len(around.done) == 4)


async def test_a_failed_batch_reports_its_producer_and_is_written_again_before_what_came_later(around: Around) -> None:
    receipt = around.put(b"1", b"2")
    confirmation = await around.producer.nth(0)
    later = around.put(b"3")
    assert around.held == [b"1", b"2", b"3"]
    confirmation.set_exception(RuntimeError("whatever"))
    (await around.producer.nth(1)).set_result(None)
    await receipt.kept()
    await later.kept()
    assert around.failed == [around.producer]
    assert around.producer.values == [[b"1", b"2"], [b"1", b"2", b"3"]]
    assert around.done == [Entry("raw.event", None, b"1", []).size] * 3


async def test_a_record_that_kafka_refuses_fails_alone_and_its_neighbours_go_on(around: Around) -> None:
    receipts = [around.put(b"1"), around.put(b"2"), around.put(b"3")]
    (await around.producer.nth(0)).set_exception(MessageSizeTooLargeError())
    (await around.producer.nth(1)).set_result(None)
    (await around.producer.nth(2)).set_exception(MessageSizeTooLargeError())
    (await around.producer.nth(3)).set_result(None)
    await receipts[0].kept()
    with pytest.raises(LogRefusedError):
        await receipts[1].kept()
    await receipts[2].kept()
    assert around.producer.values == [[b"1", b"2", b"3"], [b"1"], [b"2"], [b"3"]]
    assert around.held == []


async def test_a_stopped_lane_keeps_everything_in_order_until_it_is_given_up(around: Around) -> None:
    under_way = around.put(b"1")
    await around.producer.nth(0)
    waiting = around.put(b"2")
    await around.lane.stop()
    assert around.held == [b"1", b"2"]
    around.lane.start()
    (await around.producer.nth(1)).set_result(None)
    await waiting.kept()
    await under_way.kept()
    assert around.producer.values == [[b"1"], [b"1", b"2"]]
    lost = around.put(b"3")
    await around.producer.nth(2)
    await around.lane.stop()
    around.lane.give_up(LATE)
    with pytest.raises(LogUnavailableError):
        await lost.kept()
    assert len(around.done) == 3


async def test_a_lane_says_how_long_a_batch_has_waited(around: Around) -> None:
    assert around.lane.busy_seconds == 0
    around.put(b"1")
    confirmation = await around.producer.nth(0)
    await eventually(lambda: around.lane.busy_seconds > 0.01)
    confirmation.set_result(None)
    await eventually(lambda: around.lane.busy_seconds == 0)
