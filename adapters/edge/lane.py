"""One partition's way to Kafka: strictly in order, one batch under way, the next one gathers meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import structlog
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from adapters.edge.log import LogError, LogRefusedError
from adapters.edge.receipts import Item
from streams import failpoints

log = structlog.get_logger()

_REFUSALS: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
"""Errors that a record meets again however often it is sent."""


class Lane:
    """The items of one partition that wait for their turn, and the loop that writes them until Kafka has them."""

    def __init__(
        self,
        topic: str,
        partition: int,
        producer: Callable[[], Awaitable[Any]],
        on_done: Callable[[int], None],
        on_failure: Callable[[Any], None],
    ) -> None:
        """`producer` gives the started AIOKafkaProducer, as soon as there is one.

        `on_done` is told the size of each entry that is no longer held, `on_failure` the producer that failed.
        """
        self._topic = topic
        self._partition = partition
        self._producer = producer
        self._on_done = on_done
        self._on_failure = on_failure
        self._waiting: deque[Item] = deque()
        self._under_way: list[Item] = []
        self._one_by_one = False
        self._busy_since: float | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None]

    @property
    def busy_seconds(self) -> float:
        """How long the batch under way has waited for its confirmation; 0 where there is none."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    def put(self, item: Item) -> None:
        """Line an item up."""
        self._waiting.append(item)
        self._wake.set()

    def held(self) -> Iterator[Item]:
        """What Kafka has not confirmed, in order."""
        yield from self._under_way
        yield from self._waiting

    def start(self) -> None:
        """Begin to write what comes, and what was left."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop writing. What is under way may arrive nevertheless; it will be written again."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def give_up(self, error: LogError) -> None:
        """Let go of everything."""
        for item in self._waiting:
            item.fail(error)
            self._on_done(item.entry.size)
        self._waiting.clear()

    async def _run(self) -> None:
        try:
            while True:
                while self._waiting:
                    self._busy_since = self._busy_since or time.monotonic()
                    await self._write_batch(await self._producer())
                self._busy_since = None
                self._one_by_one = False
                self._wake.clear()
                await self._wake.wait()
        finally:
            self._put_back()

    async def _write_batch(self, producer: Any) -> None:
        try:
            batch = producer.create_batch()
            while self._waiting and not (self._one_by_one and self._under_way):
                entry = self._waiting[0].entry
                if batch.append(key=entry.key, value=entry.value, timestamp=None, headers=entry.headers) is None:
                    break
                self._under_way.append(self._waiting.popleft())
            failpoints.reach("edge.before_write")
            await (await producer.send_batch(batch, self._topic, partition=self._partition))
        except Exception as error:
            log.exception("append_failed", topic=self._topic, partition=self._partition)
            if isinstance(error, _REFUSALS) and len(self._under_way) == 1:
                self._end(lambda item: item.refuse(LogRefusedError("Kafka refused the record.")))
            self._one_by_one = isinstance(error, _REFUSALS)
            self._put_back()
            self._on_failure(producer)
        else:
            failpoints.reach("edge.written")
            self._busy_since = None
            self._end(Item.confirm)

    def _put_back(self) -> None:
        """What was under way is next again, before its successors."""
        self._waiting.extendleft(reversed(self._under_way))
        self._under_way.clear()

    def _end(self, how: Callable[[Item], None]) -> None:
        for item in self._under_way:
            how(item)
            self._on_done(item.entry.size)
        self._under_way.clear()
