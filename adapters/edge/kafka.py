"""Kafka as the edge's log: acknowledged by all in-sync replicas, in order per key, bounded while Kafka is slow."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer

from adapters.edge.deadlines import Deadlines
from adapters.edge.lane import Lane
from adapters.edge.log import Entry, LogFullError, LogRefusedError, LogUnavailableError
from adapters.edge.receipts import Item, Receipt, items
from streams.partitions import partition_of

log = structlog.get_logger()

MAX_BACKLOG_BYTES: Final = 64 * 1_048_576
"""All of it may travel in one request, and a broker takes 100 MB in one (`socket.request.max.bytes`)."""
MAX_BACKLOG_ENTRIES: Final = 20_000

_BATCH_BYTES: Final = 524_288  # half of what the smallest topic takes; a larger record is a batch of its own
_REQUEST_TIMEOUT_MS: Final = 10_000
_CHECK_SECONDS: Final = 2.0
_STOP_SECONDS: Final = 5.0
_TOPICS_WAIT_SECONDS: Final = 1.0

_LOST: Final = "The connection to Kafka was lost and is being made anew."


def make_producer(connection: Mapping[str, Any]) -> Any:
    """An AIOKafkaProducer that is idempotent, hence never gives up on a batch, and sends at once."""
    return AIOKafkaProducer(
        **connection,
        client_id="posto-edge",
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )


class KafkaLog:
    """Appends through one producer, which it replaces when that fails; it connects in the background.

    What it has taken it writes until Kafka has it, in order, also when the caller has given up meanwhile. Behind a lost
    producer that may be twice: both have one raw_id, and the first copies keep their order.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        topics: Sequence[str],
        *,
        timeout_seconds: float,
        max_bytes: int = MAX_BACKLOG_BYTES,
        max_entries: int = MAX_BACKLOG_ENTRIES,
    ) -> None:
        """`connect` gives a started producer (`make_producer`) as soon as a broker answers."""
        self._connect = connect
        self._topics = tuple(topics)
        self._timeout = timeout_seconds
        self._deadlines = Deadlines(timeout_seconds, lambda receipt: receipt.fail(self._late))
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self.backlog_bytes = 0
        self.backlog_entries = 0
        self._away = "Kafka has not answered yet."
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._producer: Any = None
        self._connected = asyncio.Event()
        self._failed = asyncio.Event()
        self._partitions: dict[str, int] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._turns = itertools.count()
        self._connecting: asyncio.Task[None]

    async def __aenter__(self) -> None:
        """Begin to connect; does not wait for it."""
        self._connecting = asyncio.create_task(self._stay_connected())

    async def __aexit__(self, *_: object) -> None:
        """Give what is under way a few seconds, then stop."""
        self._closing = True
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            log.warning("stopped_with_unconfirmed_records", records=self.backlog_entries)
        for lane in self._lanes.values():
            await lane.stop()
            lane.give_up(LogUnavailableError("The edge gave up waiting for Kafka."))
        self._connecting.cancel()
        await asyncio.gather(self._connecting, return_exceptions=True)

    @property
    def caveat(self) -> str | None:
        """Nothing: it keeps entries as it should, or not at all."""
        return None

    @property
    def is_connected(self) -> bool:
        """Whether there is a producer, as far as is known."""
        return self._producer is not None

    async def append(self, entries: Sequence[Entry]) -> None:
        """Return once all in-sync replicas have all entries."""
        await self.wait(self.put(entries))

    def put(self, entries: Sequence[Entry]) -> Receipt:
        """Line entries up, all or none; they stay in line until Kafka has them."""
        if self._closing:
            raise LogUnavailableError("The edge is stopping.")
        if not self._partitions:
            raise LogUnavailableError(self._away)
        self._require_room(entries)
        lined_up, receipt = items(entries)
        self.line_up(lined_up)
        return receipt

    def line_up(self, lined_up: Sequence[Item]) -> None:
        """As `put`, whatever waits already; each item is told what becomes of it."""
        for item in lined_up:
            if item.entry.topic not in self._partitions:
                item.refuse(LogRefusedError(f"The edge does not write to {item.entry.topic}."))
                continue
            self.backlog_bytes += item.entry.size
            self.backlog_entries += 1
            self._idle.clear()
            self._lane(item.entry).put(item)

    async def wait(self, receipt: Receipt) -> None:
        """Return once all of an append is kept; LogUnavailableError where that takes too long."""
        self._deadlines.watch(receipt)
        await receipt.kept()

    def held(self) -> list[Item]:
        """All that Kafka has not confirmed, in the order of each key."""
        return [item for lane in self._lanes.values() for item in lane.held()]

    async def idle(self) -> None:
        """Return once Kafka can be reached and has all that was lined up."""
        await self._connected.wait()
        await self._idle.wait()

    async def check(self) -> None:
        """Ask Kafka for the topics, and look whether confirmations come in time."""
        if self._producer is None:
            raise LogUnavailableError(self._away)
        if (busy := max((lane.busy_seconds for lane in self._lanes.values()), default=0.0)) > self._timeout:
            raise LogUnavailableError(f"Kafka has not confirmed a record for {busy:.1f} s.")
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                counts = await self._partition_counts(self._producer)
        except TimeoutError:
            raise LogUnavailableError(f"Kafka did not answer within {_CHECK_SECONDS:g} s.") from None
        self._partitions = counts

    @property
    def _late(self) -> LogUnavailableError:
        return LogUnavailableError(
            f"Kafka did not confirm within {self._timeout:g} s. It may have what you sent, or get it yet: send it "
            "again unchanged, and it counts once."
        )

    def _require_room(self, entries: Sequence[Entry]) -> None:
        bytes_after = self.backlog_bytes + sum(entry.size for entry in entries)
        entries_after = self.backlog_entries + len(entries)
        if self.backlog_entries and (bytes_after > self._max_bytes or entries_after > self._max_entries):
            raise LogFullError("Kafka confirms more slowly than records come.")

    def _done(self, size: int) -> None:
        self.backlog_bytes -= size
        self.backlog_entries -= 1
        if not self.backlog_entries:
            self._idle.set()

    def _lane(self, entry: Entry) -> Lane:
        count = self._partitions[entry.topic]
        partition = next(self._turns) % count if entry.key is None else partition_of(entry.key, count)
        place = (entry.topic, partition)
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(*place, self._ready_producer, self._done, self._replace)
            lane.start()
        return lane

    async def _ready_producer(self) -> Any:
        await self._connected.wait()
        return self._producer

    def _replace(self, failed: Any) -> None:
        if failed is self._producer:
            self._disconnect(_LOST)
            self._failed.set()

    def _disconnect(self, reason: str) -> None:
        self._connected.clear()
        self._producer = None
        self._away = reason

    async def _stay_connected(self) -> None:
        while True:
            producer = await self._connect()
            try:
                self._partitions = await self._topics_there(producer)
                self._failed.clear()
                self._producer = producer
                self._connected.set()
                log.info("kafka_connected", topics=self._partitions)
                await self._failed.wait()
            finally:
                self._disconnect(_LOST)
                await self._stop(producer)
            for lane in self._lanes.values():  # one may wait for the lost producer
                await lane.stop()
                lane.start()

    async def _topics_there(self, producer: Any) -> dict[str, int]:
        while True:
            try:
                return await self._partition_counts(producer)
            except LogUnavailableError as error:
                if str(error) != self._away:
                    self._away = str(error)
                    log.warning("kafka_not_ready", reason=self._away)
                await asyncio.sleep(_TOPICS_WAIT_SECONDS)

    async def _partition_counts(self, producer: Any) -> dict[str, int]:
        """How many partitions each topic has. Asks for all topics: asking for one by name could create it."""
        if not await producer.client.force_metadata_update():
            raise LogUnavailableError("Kafka does not answer.")
        found = {topic: producer.client.cluster.partitions_for_topic(topic) for topic in self._topics}
        if missing := [topic for topic, partitions in found.items() if not partitions]:
            raise LogUnavailableError(f"Kafka lacks the topic {missing[0]}: run `posto topics apply`.")
        return {topic: len(partitions) for topic, partitions in found.items()}

    async def _stop(self, producer: Any) -> None:
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await producer.stop()
        except TimeoutError:  # it waits for batches that Kafka does not confirm, and never gives them up
            await producer.client.close()
            producer._sender.sender_task.cancel()
