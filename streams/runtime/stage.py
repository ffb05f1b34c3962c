"""The one loop that every agent runs in: retry, poison, durability before effects before acks."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, NoReturn, TypeVar

import structlog

from streams import failpoints, topics
from streams.runtime import metrics
from streams.runtime.activity import Activity
from streams.runtime.batch import Batch
from streams.runtime.consumer import ABANDON_AFTER, BatchConsumer
from streams.runtime.errors import BrokenInvariantError, HandingOverError, PublishError
from streams.runtime.fetched import Record
from streams.runtime.publisher import Publisher
from streams.runtime.table import BatchTable

log = structlog.get_logger()

AgentFunction = Callable[[Batch], Coroutine[Any, Any, None]]
T = TypeVar("T")

_GROUP_BYTES = 2_097_152  # how much of what is queued is worked through at once
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0
_LOOK = 1.0  # how often work that takes long is held against a hand-over
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
    """Runs one agent's function over batches.

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
    ) -> None:
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

    async def run(self, stream: Any) -> None:
        """Work through a Faust stream of fetched batches until it ends."""
        try:
            async for event in stream.events():
                for topic in self.outputs:
                    if topic not in self._partitions:
                        self._partitions[topic] = await self._publisher.partitions(topic)
                await self._carry([event.message async for event in self._queued(stream, event)])
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001
            self._fatal(error)

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
                message.incref()
                nbytes += message.value.nbytes
                yield event
            if nbytes >= _GROUP_BYTES or queue.empty():
                return
            event = queue.get_nowait()

    async def _carry(self, messages: Sequence[Any]) -> None:
        records = [record for message in messages for record in message.value.records]
        if not records:
            return
        failpoints.reach("runtime.fetched", self.name)
        try:
            await self._process(records)
        except HandingOverError:
            log.info("batch_let_go", stage=self.name, records=len(records))
            self._consumer.abandon(messages)
            return
        finally:
            self.activity.rest()
        for message in messages:
            self._consumer.settle(message)
        failpoints.reach("runtime.settled", self.name)
        metrics.RECORDS.labels(self.name).inc(len(records))
        metrics.BATCH_RECORDS.labels(self.name).observe(len(records))

    async def _process(self, records: Sequence[Record]) -> None:
        batch = await self._decide(records)
        if batch is None:  # one of several records is poison: halve until it stands alone
            middle = len(records) // 2
            await self._process(records[:middle])
            await self._process(records[middle:])
            return
        self.activity.begin("publishing what follows from", records)
        await self._before_handover(self._publish(batch))
        self.activity.step()

    async def _decide(self, records: Sequence[Record]) -> Batch | None:
        """Run the agent's function; None where it raised over more than one record."""
        wait = _FIRST_WAIT
        self.activity.begin("deciding", records)
        while True:
            batch = Batch(self.name, records, self._partitions, self._table)
            try:
                await self._before_handover(self._function(batch))
            except (asyncio.CancelledError, HandingOverError, BrokenInvariantError, PublishError):
                raise
            except self._transient as error:
                log.warning("stage_waits", stage=self.name, error=str(error), wait_seconds=wait)
                metrics.RETRIES.labels(self.name).inc()
                with self.activity.waiting(error):
                    await self._pause(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            except Exception as error:  # noqa: BLE001
                self.activity.step()
                if len(records) > 1:
                    return None
                batch = Batch(self.name, records, self._partitions, self._table)
                batch.reject(records[0], error)
                log.warning(
                    "record_rejected",
                    stage=self.name,
                    topic=records[0].topic,
                    partition=records[0].partition,
                    offset=records[0].offset,
                    error=f"{type(error).__name__}: {error}",
                )
                return batch
            else:
                self.activity.step()
                return batch

    async def _publish(self, batch: Batch) -> None:
        """Table changes first, then outputs: what was decided is durable before anybody hears of it."""
        if self._table is not None:
            await asyncio.gather(*(self._table.write(*changes) for changes in batch.changes.items()))
            if batch.changes:
                failpoints.reach("runtime.table_written", self.name)
        await self._publisher.publish(batch.outputs)
        failpoints.reach("runtime.outputs_written", self.name)
        if batch.dead:
            metrics.DEAD_LETTERS.labels(self.name).inc(batch.dead)

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the partitions are being taken away."""
        try:
            await asyncio.wait_for(self._consumer.handing_over.wait(), seconds)
        except TimeoutError:
            return
        raise HandingOverError

    async def _before_handover(self, work: Coroutine[Any, Any, T]) -> T:
        """Let work finish, for a bounded time once the partitions are being taken away."""
        task = asyncio.ensure_future(work)
        left = ABANDON_AFTER
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK)
                if self._consumer.handing_over.is_set() and not task.done():
                    left -= _LOOK
                    if left <= 0:
                        raise HandingOverError
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=_LOOK)
        return task.result()
