"""One partition's way to Kafka: strictly in order, one batch under way, the next one gathers meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from adapters.edge.log import Entry, LogError, LogUnavailableError
from streams import failpoints

log = structlog.get_logger()


class Receipt:
    """Says when all entries of one append are kept, or that it will not be known."""

    def __init__(self, entries: int) -> None:
        self._missing = entries
        self._kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def confirm(self) -> None:
        """Count one entry as kept."""
        self._missing -= 1
        if not self._missing and not self._kept.done():
            self._kept.set_result(None)

    def fail(self, error: LogError) -> None:
        """Give up on the entries."""
        if not self._kept.done():
            self._kept.set_exception(error)

    async def wait(self, seconds: float) -> None:
        """Return once everything is kept; LogUnavailableError after `seconds`, though it may still be kept later."""
        late = LogUnavailableError(
            f"Kafka did not confirm within {seconds:g} s. It may have what you sent, or get it yet: send it again "
            "unchanged, and it counts once."
        )
        deadline = self._kept.get_loop().call_later(seconds, self.fail, late)
        try:
            await self._kept
        finally:
            deadline.cancel()


class Lane:
    """The entries of one partition that wait for their turn, and the loop that writes them."""

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
        self._waiting: deque[tuple[Entry, Receipt]] = deque()
        self._under_way: list[tuple[Entry, Receipt]] = []
        self._busy_since: float | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None]

    @property
    def busy_seconds(self) -> float:
        """How long the batch under way has waited for its confirmation; 0 where there is none."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    def put(self, entry: Entry, receipt: Receipt) -> None:
        """Line an entry up."""
        self._waiting.append((entry, receipt))
        self._wake.set()

    def start(self) -> None:
        """Begin to write what comes."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop writing; what is under way is given up, what waits is not."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while True:
                while self._waiting:
                    self._busy_since = time.monotonic()
                    await self._write_batch(await self._producer())
                self._busy_since = None
                self._wake.clear()
                await self._wake.wait()
        finally:
            self._end(LogUnavailableError("The edge gave up waiting for Kafka."))

    async def _write_batch(self, producer: Any) -> None:
        try:
            batch = producer.create_batch()
            while self._waiting:
                entry, _ = self._waiting[0]
                self._under_way.append(self._waiting[0])
                if batch.append(key=entry.key, value=entry.value, timestamp=None, headers=entry.headers) is None:
                    self._under_way.pop()
                    break
                self._waiting.popleft()
            failpoints.reach("edge.before_write")
            await (await producer.send_batch(batch, self._topic, partition=self._partition))
        except Exception:
            log.exception("append_failed", topic=self._topic, partition=self._partition)
            self._end(LogUnavailableError("Kafka refused the record."))
            self._on_failure(producer)
        else:
            failpoints.reach("edge.written")
            self._end(None)

    def _end(self, error: LogError | None) -> None:
        for entry, receipt in self._under_way:
            if error is None:
                receipt.confirm()
            else:
                receipt.fail(error)
            self._on_done(entry.size)
        self._under_way.clear()
