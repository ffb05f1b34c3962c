"""The work that all racers do: our own agents' functions, so that what differs is what carries them."""

from collections.abc import AsyncIterator, Coroutine, MutableMapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec

from agents import normalizer, router
from schemas.configuration import Rule
from schemas.events import Action
from streams import keys, topics
from streams.configuration import Configuration, Key, Published
from streams.partitions import partition_of
from streams.runtime.batch import Batch
from streams.runtime.fetched import Record
from streams.runtime.publisher import NO_HEADERS, Headers
from streams.runtime.stage import AgentFunction
from tests.support.nothing import Nothing

KEEP: Final = timedelta(days=30)

_PATTERNS: Final = (
    "whatsapp.inbound.message",
    "whatsapp.delivery.ack",
    "billing.invoice.overdue",
    "billing.invoice.pre_due",
    "asaas.payment.*",
    "bench.event.*",
)


_ACCEPTED: Final = b',"kind":"accepted"}'
_DUPLICATE: Final = b',"kind":"duplicate"}'


class _Named(msgspec.Struct):
    event_id: str


_decode: Final = msgspec.json.Decoder(_Named).decode


class Rules:
    """A configuration that stays as it is: as many rules as a new hub has, and one for the bench's events."""

    def __init__(self) -> None:
        rules = [Rule(id=name, version=1, event_type=name, action=Action.NONE) for name in _PATTERNS]
        self.current = Configuration(Published({Key(topics.CONFIG_RULE, rule.id): rule for rule in rules}))


def normalizing() -> AgentFunction:
    """The normalizer's function."""
    return normalizer.build(Nothing())


def routing() -> AgentFunction:
    """The router's function."""
    return router.build(Rules(), Nothing(), keep=KEEP)


async def deduping(batch: Batch) -> None:
    """Nearly nothing: a keyed table says whether an event was seen, and it goes on with that."""
    async for record in batch:
        value = record.value or b""
        key = keys.id_bytes(_decode(value).event_id)
        is_known = batch.lookup(record, key) is not None
        if not is_known:
            batch.store(record, key, b"%d" % record.offset)
        kind = _DUPLICATE if is_known else _ACCEPTED
        batch.emit(topics.EVENT_ACCEPTED, record.key, value[:-1] + kind, list(record.headers))


def function_of(stage: str) -> AgentFunction:
    """What a stage does with a batch."""
    match stage:
        case "normalizer":
            return normalizing()
        case "router":
            return routing()
        case _:
            return deduping


def source_of(stage: str) -> str:
    """What a stage takes; the other one's is its output."""
    return topics.RAW_EVENT if stage == "normalizer" else topics.EVENT_NORMALIZED


class Given(NamedTuple):
    """A record from a client that has its own form of one."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Written(NamedTuple):
    """A record to be written."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Slip(Batch):
    """Records in and out without our runtime: `rows` are the peer's own table, changed at once."""

    __slots__ = ("_count", "_rows", "written")

    def __init__(self, records: Sequence[Record], partitions: int, rows: MutableMapping[bytes, bytes]) -> None:
        super().__init__("", records, {}, None)
        self.written: list[Written] = []
        self._count = partitions
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[Record]:
        """The records, without a turn for anybody else: nothing else is under way."""
        for record in self.records:
            yield record

    def emit(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = NO_HEADERS,
        *,
        partition: int | None = None,
    ) -> None:
        """Collect a record."""
        place = partition_of(key or b"", self._count) if partition is None else partition
        self.written.append(Written(topic, place, key, value, headers))

    def reject(self, record: Record, error: BaseException) -> None:
        """There is nothing to reject in the bench's events."""
        raise AssertionError(f"{record.topic}/{record.partition}@{record.offset}") from error

    def lookup(self, record: Record, key: bytes) -> bytes | None:
        """The table's value."""
        return self._rows.get(key)

    def store(self, record: Record, key: bytes, value: bytes | None) -> None:
        """Change the table."""
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Run a function that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something")
