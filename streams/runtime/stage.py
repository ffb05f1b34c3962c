"""The one loop that every agent runs in: retry, poison, durability before effects before acks."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, NoReturn

import structlog

from streams import failpoints, topics
from streams.runtime import metrics
from streams.runtime.activity import Activity
from streams.runtime.batch import Batch
from streams.runtime.consumer import BatchConsumer
from streams.runtime.errors import BrokenInvariantError, HandingOverError, PublishError
from streams.runtime.fetched import Record
from streams.runtime.publisher import Publisher
from streams.runtime.table import BatchTable

log = structlog.get_logger()

AgentFunction = Callable[[Batch], Coroutine[Any, Any, None]]

_GROUP_BYTES = 2_097_152  # how much of what is queued is worked through at once
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0
EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h


def die(error: BaseException) -> NoReturn:
    """End the process at once: what is not acknowledged comes again after the restart.

    Raising would not do: Faust acknowledges an event whose agent raised.
    """
    log.critical("worker_stopped", error=repr(error), exc_info=error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_CODE)


class Stage:
    """Runs one agent's function over batches. While one is being published, the next one is decided, and sees what the
    former one changes in the table; where the former one is let go, so is the next.

    An error of a class in `transient` is waited out in place, for as long as it takes. A broken invariant, or a Kafka
    that refuses records for good, ends the process. Any other error is traced to the record that causes it, by
    halving; that record goes to `dead.letter` and its neighbours go on.
    """

    def __init__(
        self,
        name: str,
        function: AgentFunction,
        *,
        app: Any,
        publisher: Publisher,
        table: BatchTable | None,
        transient: tuple[type[Exception], ...],
        outputs: Sequence[str],
        fatal: Callable[[BaseException], None],
        spacing: float = 0.0,
    ) -> None:
        """`spacing`: seconds from the beginning of one batch to the next, in which what comes meanwhile adds up."""
        self.name = name
        self.activity = Activity()
        self._function = function
        self._app = app
        self._publisher = publisher
        self._table = table
        self._transient = transient
        self.outputs = (*outputs, topics.DEAD_LETTER)
        self._partitions: dict[str, int] = {}
        self._fatal = fatal
        self._spacing = spacing
        self._next_at = 0.0
        self._ahead: dict[int, Mapping[bytes, bytes | None]] = {}
        self._publishing: asyncio.Task[bool] | None = None

    async def run(self, stream: Any) -> None:
        """Work through a Faust stream of fetched batches until it ends."""
        try:
            async for event in stream.events():
                for topic in self.outputs:
                    if topic not in self._partitions:
                        self._partitions[topic] = await self._publisher.partitions(topic)
                await self._keep_distance()
                await self._carry([event.message async for event in self._queued(stream, event)])
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001
            self._fatal(error)
        finally:
            if self._publishing is not None:
                self._publishing.cancel()

    def rest(self) -> float:
        """How many seconds it is until the next batch may begin; none where no batch began lately."""
        return max(0.0, self._next_at - asyncio.get_running_loop().time()) if self._spacing else 0.0

    async def _keep_distance(self) -> None:
        if rest := self.rest():
            await asyncio.sleep(rest)
        self._next_at = asyncio.get_running_loop().time() + self._spacing

    @property
    def _consumer(self) -> BatchConsumer:
        consumer: BatchConsumer = self._app.consumer
        return consumer

    async def _queued(self, stream: Any, event: Any) -> AsyncIterator[Any]:
        """The event in hand and all that waits behind it, without waiting for more.

        Each message is held by one reference more than Faust knows of: only `settle` acknowledges it, never the
        stream, which would do so for an agent that raised as well.
        """
        queue = stream.channel.queue
        nbytes = 0
        while True:
            message = event.message
            if message.generation_id == self._app.consumer_generation_id:
                if not message.tracked:
                    message.tracked = True
                    self._consumer.track_message(message)
                self._consumer.begin(message)
                message.incref()
                nbytes += message.value.nbytes
                yield event
            if nbytes >= _GROUP_BYTES or queue.empty():
                return
            event = queue.get_nowait()

    async def _carry(self, messages: Sequence[Any]) -> None:
        """Decide about messages; they are settled once what follows from them is published."""
        records = [record for message in messages for record in message.value.records]
        if not records:
            return
        failpoints.reach("runtime.fetched", self.name)
        if self._publishing is not None and self._publishing.done():
            self._publishing = None  # what was let go before these came does not concern them
        try:
            await self._process(records, messages)
        except HandingOverError:
            self._let_go(messages)

    async def _process(self, records: Sequence[Record], messages: Sequence[Any]) -> None:
        batch = await self._decide(records)
        if batch is None:  # one of several records is poison: halve until it stands alone
            middle = len(records) // 2
            await self._process(records[:middle], ())
            await self._process(records[middle:], messages)
            return
        if self._publishing is not None and not await self._publishing:
            raise HandingOverError
        self._ahead.update(batch.changes)
        self._publishing = asyncio.create_task(self._finish(batch, messages), name=f"publishing-{self.name}")

    async def _decide(self, records: Sequence[Record]) -> Batch | None:
        """Run the agent's function; None where it raised over more than one record."""
        wait = _FIRST_WAIT
        while True:
            batch = self._new_batch(records)
            try:
                with self.activity.doing("deciding", records):
                    async with self._consumer.grace.bounded():
                        # in a task of its own, so that a dump of all tasks shows where it hangs
                        await asyncio.create_task(self._function(batch), name=f"deciding-{self.name}")
            except (asyncio.CancelledError, HandingOverError, BrokenInvariantError, PublishError):
                raise
            except self._transient as error:
                log.warning("stage_waits", stage=self.name, error=str(error), wait_seconds=wait)
                metrics.RETRIES.labels(self.name).inc()
                with self.activity.waiting(error):
                    await self._pause(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            except Exception as error:  # noqa: BLE001
                return self._rejected(records[0], error) if len(records) == 1 else None
            else:
                return batch

    def _rejected(self, record: Record, error: Exception) -> Batch:
        batch = self._new_batch([record])
        batch.reject(record, error)
        log.warning(
            "record_rejected",
            stage=self.name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=f"{type(error).__name__}: {error}",
        )
        return batch

    def _new_batch(self, records: Sequence[Record]) -> Batch:
        return Batch(self.name, records, self._partitions, self._table, self._ahead)

    async def _finish(self, batch: Batch, messages: Sequence[Any]) -> bool:
        """Publish what was decided, then settle the messages; False where they were let go."""
        try:
            with self.activity.doing("publishing what follows from", batch.records):
                async with self._consumer.grace.bounded():
                    await self._publish(batch)
            self._settle(messages)
        except HandingOverError:
            self._let_go(messages)
            return False
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001
            self._fatal(error)
            return False
        return True

    async def _publish(self, batch: Batch) -> None:
        """Table changes first, then outputs: what was decided is durable before anybody hears of it."""
        if self._table is not None:
            try:
                await asyncio.gather(*(self._table.write(*changes) for changes in batch.changes.items()))
            finally:
                self._ahead.clear()
            if batch.changes:
                failpoints.reach("runtime.table_written", self.name)
        await self._publisher.publish(batch.outputs)
        failpoints.reach("runtime.outputs_written", self.name)
        if batch.dead:
            metrics.DEAD_LETTERS.labels(self.name).inc(batch.dead)

    def _settle(self, messages: Sequence[Any]) -> None:
        records = sum(len(message.value.records) for message in messages)
        for message in messages:
            self._consumer.settle(message)
        if messages:
            failpoints.reach("runtime.settled", self.name)
            metrics.RECORDS.labels(self.name).inc(records)
            metrics.BATCH_RECORDS.labels(self.name).observe(records)

    def _let_go(self, messages: Sequence[Any]) -> None:
        log.info("batch_let_go", stage=self.name, batches=len(messages))
        self._consumer.abandon(messages)

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the partitions are being taken away."""
        try:
            await asyncio.wait_for(self._consumer.handing_over.wait(), seconds)
        except TimeoutError:
            return
        raise HandingOverError
