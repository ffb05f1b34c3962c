"""What reaches the agents' queues of a fetch, and of which topics Kafka is asked."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.types import TP

from streams.runtime import delivery
from streams.runtime.delivery import Fetching


class Consumer:
    """A consumer as far as `drain` sees it: each of its fetches is a list of messages."""

    consumer_stopped_errors = ()

    def __init__(self, *fetches: list[Any]) -> None:
        self._fetches = list(fetches)
        self._stopped = asyncio.Event()
        self._read_offset: dict[TP, int | None] = {TP("in", number): None for number in range(3)}
        self.app = SimpleNamespace(consumer_generation_id=1, should_stop=False)
        self.flow_active = True
        self.should_stop = False
        self.suspend_flow = asyncio.Event()
        self.queued: list[Any] = []

    async def getmany(self, timeout: float) -> Any:  # noqa: ASYNC109
        assert timeout
        if not self._fetches:
            self._stopped.set()
            return
        for message in self._fetches.pop(0):
            yield message.tp, message

    async def wait_first(self, *waiting: Any) -> None:
        tasks = [asyncio.ensure_future(one) for one in waiting]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()

    async def callback(self, message: Any) -> None:
        self.queued.append(message)

    async def drained(self) -> list[tuple[int, int]]:
        """The partitions and offsets of all that was queued."""
        await delivery.drain(self, SimpleNamespace(_stopped=asyncio.Event()))
        return [(message.tp.partition, message.offset) for message in self.queued]


def message(partition: int, offset: int, generation: int = 1) -> Any:
    return SimpleNamespace(tp=TP("in", partition), offset=offset, generation_id=generation)


async def test_all_that_was_fetched_is_handed_on_in_order() -> None:
    consumer = Consumer([message(0, 3), message(1, 7)], [message(0, 4)])

    assert await consumer.drained() == [(0, 3), (1, 7), (0, 4)]


async def test_what_was_handed_on_before_is_left_out() -> None:
    consumer = Consumer([message(0, 3)], [message(0, 2), message(0, 3), message(0, 4)])

    assert await consumer.drained() == [(0, 3), (0, 3), (0, 4)]


async def test_nothing_of_an_earlier_generation_is_handed_on() -> None:
    consumer = Consumer([message(0, 3, generation=0), message(1, 7, generation=0)])

    assert await consumer.drained() == []


async def test_a_fetch_that_is_being_handed_on_breaks_off_where_the_flow_stops() -> None:
    consumer = Consumer([message(0, 3), message(1, 7)])

    async def stops(message: Any) -> None:
        consumer.queued.append(message)
        consumer.flow_active = False

    consumer.callback = stops  # type: ignore[method-assign]
    assert await consumer.drained() == [(0, 3)]


async def test_a_queue_that_takes_nothing_is_not_waited_for_once_the_flow_stops() -> None:
    consumer = Consumer([message(0, 3)])

    async def hangs(_: Any) -> None:
        consumer.suspend_flow.set()
        await asyncio.Event().wait()

    consumer.callback = hangs  # type: ignore[method-assign, assignment]
    assert await consumer.drained() == []


class Thread:
    """A consumer's thread whose loop is that of the test; it notes what Kafka would be asked of."""

    def __init__(self) -> None:
        self.thread_loop = asyncio.get_running_loop()
        self.asked: list[str] = []
        self.waits: list[int] = []
        self.subscription = SubscriptionState()
        self.subscription.subscribe({"in", "slow", "changelog"})
        self.assign()

    def assign(self) -> None:
        self.subscription.assign_from_subscribed([TopicPartition(topic, 0) for topic in ("in", "slow", "changelog")])

    def _ensure_consumer(self) -> Any:
        self._consumer = getattr(self, "_consumer", None) or SimpleNamespace(
            _subscription=self.subscription,
            _fetcher=SimpleNamespace(_fetch_max_wait_ms=1500),
            _max_poll_records=None,
            paused=self.subscription.paused_partitions,
            pause=lambda *partitions: [self.subscription.pause(one) for one in partitions],
            resume=lambda *partitions: [self.subscription.resume(one) for one in partitions],
        )
        return self._consumer

    async def _fetch_records(self, consumer: Any, *_: Any, **__: Any) -> dict[Any, Any]:
        assignment = self.subscription.subscription.assignment
        self.asked.append("+".join(sorted(tp.topic for tp in assignment.tps if not assignment.state_value(tp).paused)))
        self.waits.append(consumer._fetcher._fetch_max_wait_ms)
        return {}


@pytest.fixture
async def thread() -> Thread:
    return Thread()


async def test_kafka_is_asked_for_nothing_of_a_topic_that_rests(thread: Thread) -> None:
    fetching = Fetching()
    for resting in ({"changelog"}, {"changelog", "slow"}, {"changelog"}, set[str]()):
        await fetching.get(thread, frozenset(), 1.0, frozenset(resting), None)

    assert thread.asked == ["in+slow", "in", "in+slow", "changelog+in+slow"]


async def test_what_is_assigned_anew_rests_as_well(thread: Thread) -> None:
    fetching = Fetching()
    await fetching.get(thread, frozenset(), 1.0, frozenset({"changelog"}), None)
    thread.assign()
    await fetching.get(thread, frozenset(), 1.0, frozenset({"changelog"}), None)

    assert thread.asked == ["in+slow", "in+slow"]


async def test_a_fetch_is_answered_by_the_time_that_a_rest_ends_and_else_when_aiokafka_says(thread: Thread) -> None:
    fetching = Fetching()
    for wait in (None, 0.25, 9.0, None):
        await fetching.get(thread, frozenset(), 1.0, frozenset(), wait)

    assert thread.waits == [1500, 250, 1500, 1500]
