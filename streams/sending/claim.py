"""The claim of one owner to one partition of the log, which the broker takes back once somebody else claims it.

It is a transactional producer: starting one makes Kafka refuse every later write of the one before it. A record counts
once it is acknowledged, in whatever transaction it lies and whether that is committed or not, for everybody reads this
log uncommitted. Committing only keeps the coordinator from calling the transaction abandoned.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.runtime import Out, OwnershipLostError, Publisher, PublishError

log = structlog.get_logger()

# The first record after a commit waits for about 25 ms, unless some 5 ms lie between the two: so a transaction is
# committed in a quiet moment, and in the middle of work only where no such moment comes.
_COMMIT_AFTER: Final = 0.5
_QUIET: Final = 0.01
_COMMIT_AT_LAST: Final = 5.0

# A rightful owner is refused, too, whose transaction was open for longer: longer than Kafka is usually away, and less
# than the 15 minutes that brokers allow. The transaction of an owner that is gone is ended by the next claim anyway.
_TRANSACTION_TIMEOUT: Final = 300.0

_LET_GO_WITHIN: Final = 3.0  # seconds for a last commit: what it does not reach counts all the same
_BATCH_BYTES: Final = 262_144  # a producer batch; must stay below max.message.bytes of the log
_REQUEST_BYTES: Final = 4_000_000


class Claim:
    """Appends to one partition for as long as nobody else has claimed it; `await stake(...)` makes one."""

    def __init__(self, producer: Any, topic: str, partition: int) -> None:
        self._producer = producer
        self._publisher = Publisher(lambda: producer)
        self._place = (topic, partition)
        self._writing = asyncio.Lock()
        self._ending = asyncio.Event()
        self._committing: asyncio.Task[None] | None = None
        self._opened_at: float | None = None
        self._written_at = 0.0
        self._lost: BaseException | None = None

    @classmethod
    async def stake(cls, connection: Mapping[str, Any], name: str, topic: str, partition: int) -> Self:
        """Claim a partition under a name that all its owners share: from here on, no former owner can append.

        `connection`: keyword arguments that every aiokafka client takes.
        """
        producer = AIOKafkaProducer(
            **connection,
            transactional_id=name,
            transaction_timeout_ms=int(_TRANSACTION_TIMEOUT * 1000),
            acks="all",
            max_batch_size=_BATCH_BYTES,
            max_request_size=_REQUEST_BYTES,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return cls(producer, topic, partition)

    async def append(self, records: Sequence[Out]) -> list[int]:
        """Write records; return their offsets once all in-sync replicas have them.

        OwnershipLostError where that is somebody else's right by now, or the broker no longer knows of ours. Whether
        such records are in the log is not known.
        """
        async with self._writing:
            try:
                if self._lost is not None:
                    raise self._lost
                if self._opened_at is None:
                    await self._producer.begin_transaction()
                    self._opened_at = time.monotonic()
                    self._committing = asyncio.create_task(self._commit_later())
                spans = (await self._publisher.publish({self._place: records}))[self._place]
            except (KafkaError, PublishError, AssertionError) as error:  # aiokafka asserts what state it is in
                if isinstance(error.__cause__, MessageSizeTooLargeError):
                    raise
                self._lost = error
                topic, partition = self._place
                raise OwnershipLostError(f"{topic}/{partition}: {error}") from error
            self._written_at = time.monotonic()
        return [offset for span in spans for offset in range(span.first, span.first + span.length)]

    async def let_go(self) -> None:
        """End the claim; what was acknowledged counts, whether Kafka can be reached or not."""
        self._ending.set()
        ending = [asyncio.ensure_future(self._end())]
        _, pending = await asyncio.wait(ending, timeout=_LET_GO_WITHIN)
        for task in pending:
            task.cancel()
        await asyncio.wait(ending)

    async def _end(self) -> None:
        try:
            if self._committing is not None:
                await asyncio.wait({self._committing})
            await self._producer.stop()
        except asyncio.CancelledError:
            log.info("claim_left", topic=self._place[0], partition=self._place[1], hint="Kafka is away")
            for task in (self._committing, self._producer._sender.sender_task):
                if task is not None:
                    task.cancel()
            self._producer._closed = True  # its own `stop` would wait for Kafka
            await self._producer.client.close()
            raise
        finally:
            _read(self._producer)

    async def _commit_later(self) -> None:
        """Commit the transaction that is open, half a second after its first record or when nothing is written."""
        wait = _COMMIT_AFTER
        while not self._ending.is_set():
            try:
                await asyncio.wait_for(self._ending.wait(), wait)
            except TimeoutError:
                now = time.monotonic()
                wait = _QUIET
                if now - self._written_at > _QUIET or now - (self._opened_at or now) > _COMMIT_AT_LAST:
                    break
        async with self._writing:
            self._opened_at = None
            if self._lost is not None:
                return
            try:
                await self._producer.commit_transaction()
            except KafkaError as error:  # the next append says it
                self._lost = error


def _read(producer: Any) -> None:
    """Look at how the last transaction ended, which aiokafka else reports as never looked at."""
    waiter = producer._txn_manager.wait_for_transaction_end()
    if waiter is not None and waiter.done() and not waiter.cancelled():
        waiter.exception()
