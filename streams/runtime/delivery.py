"""From Kafka to the agents' queues, where Faust and aiokafka would make small batches dear."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from faust.types import TP


async def drain(consumer: Any, fetcher: Any) -> None:
    """Hand on what is fetched until the consumer or its fetcher stops; stands in for Faust's `_drain_messages`.

    That one makes four tasks for each message, one after the other, and the next fetch waits for them: 10 ms with 13
    partitions at 200 events a second.
    """
    try:
        while not (consumer._stopped.is_set() or fetcher._stopped.is_set()):
            messages = [message async for _, message in consumer.getmany(timeout=1.0)]
            await asyncio.sleep(0)  # a fetch may come back at once, for ever
            if messages and not consumer.should_stop:
                await consumer.wait_first(_hand_on(consumer, messages), consumer.suspend_flow.wait())
    except (*consumer.consumer_stopped_errors, asyncio.CancelledError):
        if not consumer.app.should_stop:
            raise


async def _hand_on(consumer: Any, messages: Sequence[Any]) -> None:
    """Give messages to their agents' queues, as long as the records flow and the partitions are ours."""
    for message in messages:
        if not consumer.flow_active or message.generation_id != consumer.app.consumer_generation_id:
            return
        read = consumer._read_offset[message.tp]
        if read is None or message.offset >= read:
            await consumer.callback(message)
            consumer._read_offset[message.tp] = message.offset


class Fetching:
    """Gets records from the consumer's thread, and lets topics rest there: Kafka is asked for nothing of them.

    A fetch names each partition that it asks for, and Kafka names each in its answer, whether there is anything or not:
    of 120 partitions one takes 5.5 ms, of 56 it takes 3.7 (two shared cores).
    """

    def __init__(self) -> None:
        self._assignment: Any = None
        self._resting: frozenset[str] = frozenset()
        self._longest_wait: int | None = None

    async def get(
        self,
        thread: Any,
        wanted: frozenset[TP],
        timeout: float,  # noqa: ASYNC109 (aiokafka's)
        resting: frozenset[str],
        wait: float | None,
    ) -> Mapping[Any, Any]:
        """What was fetched of some partitions; waits up to `timeout` seconds for the first of it.

        `wait`: the seconds after which Kafka is to answer a fetch at the latest, None for aiokafka's own: what ends its
        rest is asked for only then.
        """
        # straight to the thread's loop: Faust's queue of calls wakes two tasks more on the way
        call = self._get(thread, wanted, timeout, resting, wait)
        fetched: Mapping[Any, Any] = await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(call, thread.thread_loop)
        )
        return fetched

    async def _get(
        self,
        thread: Any,
        wanted: frozenset[TP],
        timeout: float,  # noqa: ASYNC109
        resting: frozenset[str],
        wait: float | None,
    ) -> Any:
        consumer = thread._ensure_consumer()
        self._rest(consumer, resting)
        fetcher = consumer._fetcher
        if self._longest_wait is None:
            self._longest_wait = fetcher._fetch_max_wait_ms
        fetcher._fetch_max_wait_ms = self._longest_wait if wait is None else min(int(wait * 1000), self._longest_wait)
        return await thread._fetch_records(consumer, wanted, timeout=timeout, max_records=consumer._max_poll_records)

    def _rest(self, consumer: Any, topics: frozenset[str]) -> None:
        subscription = consumer._subscription.subscription
        assignment = subscription.assignment if subscription else None
        if assignment is None or (assignment is self._assignment and topics == self._resting):
            return
        paused = consumer.paused()
        resting = {tp for tp in assignment.tps if tp.topic in topics}
        consumer.resume(*(paused - resting))
        consumer.pause(*(resting - paused))
        self._assignment, self._resting = assignment, topics
