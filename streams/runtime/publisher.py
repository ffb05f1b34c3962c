"""Records to Kafka as whole batches per partition, each acknowledged by all in-sync replicas."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams import topics
from streams.runtime.errors import PublishError, RecordTooLargeError

log = structlog.get_logger()

Headers = list[tuple[str, bytes]]  # a list: the compiled record builder takes nothing else
NO_HEADERS: Headers = []

_RECORD_OVERHEAD = 256  # bytes of batch and record framing, generously
_FIRST_WAIT = 0.05
_LONGEST_WAIT = 5.0


class Out(msgspec.Struct, frozen=True, gc=False):
    """One record to be written."""

    key: bytes | None
    value: bytes | None
    headers: Headers = NO_HEADERS


class Span(NamedTuple):
    """Offsets that a run of records got: `first`, `first + 1`, ... `first + length - 1`."""

    first: int
    length: int


def check_size(topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> None:
    """Raise RecordTooLargeError for a record that its topic would refuse; aiokafka does not look in time."""
    size = len(key or b"") + len(value or b"")
    for name, text in headers:
        size += len(name) + len(text)
    limit = topics.max_record_bytes(topic) - _RECORD_OVERHEAD
    if size > limit:
        raise RecordTooLargeError(topic, size, limit)


class Publisher:
    """Writes through one aiokafka producer, in order within a partition, and waits for the acknowledgements."""

    def __init__(self, producer: Callable[[], Any]) -> None:
        """`producer` gives the started AIOKafkaProducer."""
        self._producer = producer
        self._counts: dict[str, int] = {}

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        count = self._counts.get(topic)
        if count is None:
            count = self._counts[topic] = len(await self._producer().partitions_for(topic))
        return count

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> Mapping[tuple[str, int], list[Span]]:
        """Write records by (topic, partition); return once all are acknowledged, with their offsets."""
        wanted = [(place, records) for place, records in outs.items() if records]
        if len(wanted) == 1:  # the usual case: no task needed
            place, records = wanted[0]
            return {place: await self._write(place, records)}
        spans = await asyncio.gather(*(self._write(place, records) for place, records in wanted))
        return {place: span for (place, _), span in zip(wanted, spans, strict=True)}

    async def _write(self, place: tuple[str, int], records: Sequence[Out]) -> list[Span]:
        """Write the records of one partition; what is not acknowledged is built anew and sent again, in order."""
        topic, partition = place
        spans: list[Span] = []
        done = 0
        wait = _FIRST_WAIT
        while done < len(records):
            sent: list[tuple[int, asyncio.Future[Any]]] = []
            try:
                await self._send(topic, partition, records, done, sent)
                for count, future in sent:
                    metadata = await future
                    spans.append(Span(metadata.offset, count))
                    done += count
            except MessageSizeTooLargeError as error:
                raise PublishError(f"{topic}/{partition}: the broker takes smaller records than declared") from error
            except KafkaError as error:
                await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
                if not error.retriable:
                    raise PublishError(f"{topic}/{partition}: {error!r}") from error
                log.warning("publish_retried", topic=topic, partition=partition, error=repr(error), wait_seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
        return spans

    async def _send(
        self, topic: str, partition: int, records: Sequence[Out], start: int, sent: list[tuple[int, Any]]
    ) -> None:
        producer = self._producer()
        position = start
        while position < len(records):
            builder = producer.create_batch()
            first = position
            while position < len(records):
                out = records[position]
                if builder.append(key=out.key, value=out.value, timestamp=None, headers=out.headers) is None:
                    break
                position += 1
            sent.append((position - first, await producer.send_batch(builder, topic, partition=partition)))
