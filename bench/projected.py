"""What the projector is given: a log of events with what became of them, in the batches that its stage makes."""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from adapters.mysql.pool import Database
from schemas.deliveries import AckStatus, FactKind, Status
from schemas.events import NO_RULE, Coordinates, Decision
from streams import keys, topics
from tests.adapters.mysql.log import Log, LogRecord, at, command_of, fact, invoice, message

PARTITIONS: Final = 8
TABLES: Final = {
    "communication_events": 10,
    "event_sightings": 10,
    "outbound_messages": 2,
    "delivery_attempts": 2,
    "delivery_facts": 8,
    "messages": 6,
}
"""How many rows ten events make in a table."""

_SUMS: Final = {
    ("communication_events", "status = 'processed'"): 6,
    ("communication_events", "status = 'no_rule'"): 4,
    ("communication_events", "duplicates"): 0,
    ("outbound_messages", "status = 'delivered'"): 2,
    ("conversations", "unread"): 4,
    ("projection_offsets", "next_offset"): 36,
}
"""What ten events add to a sum over a table; positions are those of two projections."""

_BATCH_BYTES: Final = 2_097_152
_CONTACTS: Final = 20_011


def batches(events: int) -> Iterator[list[LogRecord]]:
    """Of ten events four are messages, two are invoices that are sent and delivered, and four have no rule."""
    log = Log()
    batch: list[LogRecord] = []
    size = 0
    for number in range(events):
        for record in _records(log, number):
            batch.append(record)
            size += len(record.value or b"")
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def check(database: Database, events: int) -> None:
    """AssertionError where the tables are not what so many events, a multiple of ten, make of them."""
    for table, of_ten in TABLES.items():
        (row,) = await database.fetch(f"SELECT COUNT(*) AS rows_there FROM {table}")  # noqa: S608
        assert row["rows_there"] == events // 10 * of_ten, f"{table} has {row['rows_there']} rows"
    for (table, column), of_ten in _SUMS.items():
        (row,) = await database.fetch(f"SELECT SUM({column}) AS total FROM {table}")  # noqa: S608
        assert row["total"] == events // 10 * of_ten, f"{column} is {row['total']} in {table}"


def _records(log: Log, number: int) -> Iterator[LogRecord]:
    partition, which = number % PARTITIONS, number % 10
    phone = f"55479{number * 7_919 % _CONTACTS:08d}"
    event = invoice(
        number,
        raw=Coordinates(topics.RAW_EVENT, partition, number),
        received_at=at(number / 10),
        payload={"to": phone, "name": "Contato A", "filler": "x" * 350},
    )
    if which < 4:
        told = message(f"3EB0{number:016X}", "x" * 80, chat=f"{phone}@c.us")
        yield log.accepted(replace(told, raw=Coordinates(topics.RAW_WEBHOOK, partition, number)), partition)
    elif which < 6:
        command = command_of(event, to=phone)
        sent = f"true_{phone}@c.us_3EB0{number:016X}"
        seconds = number / 10
        yield log.accepted(event, partition)
        for said in (
            fact(command, FactKind.ACCEPTED, Status.QUEUED, seconds + 1, command=command),
            fact(command, FactKind.ATTEMPT_STARTED, Status.ATTEMPTING, seconds + 2, attempt=1),
            fact(command, FactKind.ANSWERED, Status.SENT, seconds + 3, attempt=1, provider_message_id=sent),
            fact(command, FactKind.ACKED, Status.DELIVERED, seconds + 4, attempt=1, ack=AckStatus.DELIVERED),
        ):
            yield log.reported(said, partition)
    else:
        key = keys.for_event("bench", "bench.event.recorded", external_id=str(number))
        plain = replace(event, event_type="bench.event.recorded", contact=None, decision=Decision(action=NO_RULE))
        yield log.accepted(replace(plain, idempotency_key=key, event_id=keys.event_id(key)), partition)
