"""Redriving and discarding dead letters: one after the other, each on record, as many as there are.

A letter's record is written again first, and that it was, second. So a process that dies in between leaves letters that
look as if nothing had been done: the same command does the same again, and as the record names its round, whoever reads
it knows both for the same.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.dead_letters.caught_up import caught_up
from infra.dead_letters.filters import Filter, LetterError
from infra.dead_letters.found import FoundLetter, each, groups, opened
from infra.kafka import connection, started
from infra.patience import kafka_of, patiently
from infra.settings import Settings
from schemas.audit import AuditAction, AuditChange
from schemas.events import Coordinates
from streams import topics
from streams.envelope import headers_for
from streams.letters import Letter, Round
from streams.partitions import partition_of
from streams.raw_log import KafkaRawLog
from streams.redriving import Way, way_back
from streams.runtime import BatchRuntimeError, Out, Publisher, Record, RecordTooLargeError
from streams.runtime.publisher import check_size

AT_ONCE: Final = 200
"""So many letters are written before it is put on record that they were."""

_BYTES_AT_ONCE: Final = 4_000_000
_BATCH_BYTES: Final = 262_144
_REQUEST_BYTES: Final = 20_000_000
_SOURCE: Final = "posto"

_encode: Final = msgspec.json.Encoder().encode


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants it and why, how many a second at most (None: no limit), and how long Kafka and MySQL may be away."""

    by: str
    reason: str | None = None
    rate: float | None = None
    wait: float = 30.0


class Outcome(msgspec.Struct):
    """How far it has come: letters done, and letters that could not be, by the reason why not."""

    total: int = 0
    done: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)


Tell = Callable[[Outcome], None]


async def redrive(settings: Settings, wanted: Filter, order: Order, outcome: Outcome, tell: Tell) -> None:
    """Write the records of all letters that are wanted again. `outcome` is kept, and told about, while it goes on."""
    async with _at_work(settings, wanted, order, outcome) as (writer, pages):
        log = KafkaRawLog(connection(settings))
        async for page in pages:
            async with aclosing(log.read([letter.place for letter in page])) as records:
                ready: list[tuple[FoundLetter, Way]] = []
                for letter in page:
                    _, record = await patiently(anext(records), order.wait, kafka_of(settings))
                    way = _way(letter, record)
                    if isinstance(way, str):
                        outcome.refused[way] += 1
                        continue
                    ready.append((letter, way))
                    if len(ready) >= writer.at_once or sum(len(way.value) for _, way in ready) >= _BYTES_AT_ONCE:
                        await _redrive(writer, ready, outcome, tell)
                        ready = []
                await _redrive(writer, ready, outcome, tell)


async def discard(settings: Settings, wanted: Filter, order: Order, outcome: Outcome, tell: Tell) -> None:
    """Put on record that nobody needs to care for the letters that are wanted any more."""
    async with _at_work(settings, wanted, order, outcome) as (writer, pages):
        async for page in pages:
            for start in range(0, len(page), writer.at_once):
                letters = page[start : start + writer.at_once]
                rounds = [(letter, letter.round, None) for letter in letters]
                await writer.record(AuditAction.DEAD_LETTER_DISCARDED, rounds)
                outcome.done += len(letters)
                tell(outcome)


async def _redrive(writer: "_Writer", ready: Sequence[tuple[FoundLetter, Way]], outcome: Outcome, tell: Tell) -> None:
    if ready:
        places = await writer.write([way for _, way in ready])
        rounds = [(letter, letter.round + 1, place) for (letter, _), place in zip(ready, places, strict=True)]
        await writer.record(AuditAction.DEAD_LETTER_REDRIVEN, rounds)
        outcome.done += len(ready)
    tell(outcome)


def _way(letter: FoundLetter, record: Record | None) -> Way | str:
    """The record that begins the next round of a letter, or why there is none."""
    if record is None:
        return "it is not in dead.letter any more"
    way = way_back(Letter.of(record), Round(letter.name, letter.round + 1))
    try:
        if isinstance(way, Way):
            check_size(way.topic, way.key, way.value, way.headers)
    except RecordTooLargeError:
        return "with what is said of it, it is too large for its topic"
    return way


@asynccontextmanager
async def _at_work(
    settings: Settings, wanted: Filter, order: Order, outcome: Outcome
) -> AsyncIterator[tuple["_Writer", AsyncIterator[list[FoundLetter]]]]:
    """Everything at hand: the letters page by page, and who writes."""
    kafka = connection(settings)
    async with opened(settings) as db:
        await caught_up(settings, db, order.wait)
        outcome.total = sum(group.letters for group in await groups(db, wanted))
        producer = await patiently(
            started(
                lambda: AIOKafkaProducer(
                    **kafka,
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=_BATCH_BYTES,
                    max_request_size=_REQUEST_BYTES,
                )
            ),
            order.wait,
            kafka_of(settings),
        )
        try:
            yield _Writer(settings, Publisher(lambda: producer), order), each(db, wanted)
        except (KafkaError, BatchRuntimeError) as error:
            raise LetterError(f"Kafka did not take it: {error}; `posto doctor` says what to do.") from None
        finally:
            await producer.stop()


class _Writer:
    """Writes records and what is said of them, not faster than it may."""

    def __init__(self, settings: Settings, publisher: Publisher, order: Order) -> None:
        self._away = kafka_of(settings)
        self._publisher = publisher
        self._order = order
        self._began = time.monotonic()
        self._written = 0
        self.at_once = AT_ONCE if order.rate is None else max(1, int(min(AT_ONCE, order.rate)))

    async def write(self, ways: Sequence[Way]) -> list[Coordinates]:
        """Write records again; where each lies now."""
        await self._pace(len(ways))
        outs: dict[tuple[str, int], list[Out]] = {}
        for way in ways:
            outs.setdefault((way.topic, way.partition), []).append(Out(way.key, way.value, way.headers))
        spans = await patiently(self._publisher.publish(outs), self._order.wait, self._away)
        offsets = {
            place: iter([span.first + number for span in written for number in range(span.length)])
            for place, written in spans.items()
        }
        return [Coordinates(way.topic, way.partition, next(offsets[way.topic, way.partition])) for way in ways]

    async def record(self, action: AuditAction, done: Sequence[tuple[FoundLetter, int, Coordinates | None]]) -> None:
        """Say of each letter what was done to it in which round, and where its record lies now."""
        now = datetime.now(UTC)
        count = await patiently(self._publisher.partitions(topics.AUDIT_CHANGE), self._order.wait, self._away)
        outs: dict[tuple[str, int], list[Out]] = {}
        for letter, number, place in done:
            out = self._out(action, letter, number, place, now)
            outs.setdefault((topics.AUDIT_CHANGE, partition_of(out.key or b"", count)), []).append(out)
        await patiently(self._publisher.publish(outs), self._order.wait, self._away)

    def _out(
        self, action: AuditAction, letter: FoundLetter, number: int, place: Coordinates | None, now: datetime
    ) -> Out:
        change = AuditChange(
            action=action,
            subject=letter.id,
            actor=self._order.by,
            at=now,
            reason=self._order.reason,
            trace_id=letter.trace_id,
            detail={"round": number} | ({"record": str(place)} if place else {}),
        )
        said = headers_for(
            id=str(uuid4()),
            type=f"{topics.AUDIT_CHANGE}.{action}",
            source=_SOURCE,
            time=now,
            trace_id=letter.trace_id or "",
            tenant_id=letter.tenant_id,
        )
        return Out(letter.id.encode(), _encode(change), said)

    async def _pace(self, count: int) -> None:
        """Wait until so many more may be written."""
        if self._order.rate is not None:
            due = self._began + self._written / self._order.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        self._written += count
