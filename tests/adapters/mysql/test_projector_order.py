"""The tables depend on what the log says, not on how it was consumed: cut, mixed, repeated, by one or by several."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from adapters.mysql.errors import DatabaseError, DatabaseUnavailableError, TransactionConflictError
from adapters.mysql.pool import Database, Row, Session
from adapters.mysql.projector import HISTORY, PRESENT, Projector
from infra.database import database as database_of
from infra.settings import Settings
from schemas.deliveries import FactKind, Status
from streams import topics
from tests.adapters.mysql import random_log
from tests.adapters.mysql.log import PROJECTED, Log, LogRecord, at, command_of, dump, fact, invoice, message, one

pytestmark = pytest.mark.integration


HEAD_START = 0.3
"""Seconds in which the second transaction would finish if nothing made it wait for the first."""


Tables = Mapping[str, Sequence[Row]]

_OF_HISTORY = ("communication_events", "event_sightings", "delivery_facts")
TABLES: Mapping[str, Sequence[str]] = {
    HISTORY: _OF_HISTORY,
    PRESENT: [table for table in PROJECTED if table not in (*_OF_HISTORY, "projection_offsets")],
}


async def clear(database: Database) -> None:
    for table in PROJECTED:
        await database.execute(f"DELETE FROM {table}")  # noqa: S608


@pytest.mark.parametrize("seed", range(12))
async def test_any_way_of_consuming_the_log_gives_the_same_tables(
    database: Database, projector: Projector, seed: int
) -> None:
    random = Random(seed)
    records = random_log.make(random)
    await projector.project(records)
    at_once = await dump(database)
    assert {table for table, rows in at_once.items() if not rows} == set()
    await clear(database)
    for batch in random_log.deliveries(random, records):
        await projector.project(batch)
    assert await dump(database) == at_once


async def test_records_below_the_position_are_skipped(database: Database, projector: Projector) -> None:
    records = random_log.make(Random(99))
    await projector.project(records)
    await database.execute("DELETE FROM communication_events")
    before = await dump(database)
    await projector.project(records[:10])
    await projector.project(records)
    assert await dump(database) == before


async def test_each_projection_keeps_its_position_with_its_rows(database: Database, projector: Projector) -> None:
    log = Log()
    records = [log.accepted(invoice(number), 4) for number in range(3)]
    await projector.project(records[:2])
    rows = await database.fetch("SELECT * FROM projection_offsets ORDER BY projection")
    place = {"topic": topics.EVENT_ACCEPTED, "partition": 4, "next_offset": 2}
    assert rows == [{"projection": HISTORY, **place}, {"projection": PRESENT, **place}]


class FailingSession:
    """Lets so many statements pass, then fails."""

    def __init__(self, session: Session, database: "FailingDatabase") -> None:
        self._session = session
        self._database = database

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        self._database.count()
        return await self._session.execute(statement, values)

    async def fetch(self, statement: str, values: Sequence[Any] = ()) -> Any:
        self._database.count()
        return await self._session.fetch(statement, values)


class FailingDatabase:
    """Fails once, after so many statements."""

    def __init__(self, database: Database, statements: int, error: DatabaseError) -> None:
        self._database = database
        self._remaining = statements
        self._error = error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FailingSession]:
        async with self._database.transaction() as session:
            yield FailingSession(session, self)

    def count(self) -> None:
        self._remaining -= 1
        if self._remaining == -1:
            raise self._error


async def test_what_a_connection_lost_at_any_statement_left_undone_is_done_the_next_time(
    database: Database, projector: Projector
) -> None:
    records = random_log.make(Random(7), size=3)
    await projector.project(records)
    made = await dump(database)
    for statements in range(1000):
        await clear(database)
        failing = FailingDatabase(database, statements, DatabaseUnavailableError("the connection was lost"))
        try:
            await Projector(failing).project(records)  # type: ignore[arg-type]
        except DatabaseUnavailableError:
            for projection, tables in TABLES.items():
                assert_all_or_nothing(await dump(database), made, projection, tables)
            await projector.project(records)
            assert await dump(database) == made
        else:
            break
    assert statements > 20


def assert_all_or_nothing(found: Tables, made: Tables, projection: str, tables: Sequence[str]) -> None:
    """A projection's rows and positions are all there, or none of them is."""
    rows = {table: len(found[table]) for table in tables}
    positions = [row for row in found["projection_offsets"] if row["projection"] == projection]
    assert not any(rows.values()) if not positions else rows == {table: len(made[table]) for table in tables}


async def test_a_deadlock_is_repeated_at_once(database: Database) -> None:
    failing = FailingDatabase(database, 5, TransactionConflictError("deadlock"))
    await Projector(failing).project([Log().accepted(invoice())])  # type: ignore[arg-type]
    assert (await one(database, "communication_events"))["status"] == "processing"


@pytest.fixture
async def projectors(migrated: Settings, database: Database) -> AsyncIterator[Sequence[Projector]]:
    """Three projectors, as three workers have them."""
    databases = [database_of(migrated, connections=2) for _ in range(3)]
    yield [Projector(each) for each in databases]
    for each in databases:
        await each.close()


async def consume(projector: Projector, random: Random, records: list[LogRecord]) -> None:
    for batch in random_log.deliveries(random, records):
        await projector.project(batch)


async def test_several_projectors_of_the_same_partitions_write_each_record_once(
    database: Database, projector: Projector, projectors: Sequence[Projector]
) -> None:
    records = random_log.make(Random(5), size=30)
    await projector.project(records)
    expected = await dump(database)
    await clear(database)
    await asyncio.gather(*(each.project(records) for each in projectors))
    assert await dump(database) == expected


@pytest.mark.parametrize("seed", range(3))
async def test_projectors_of_different_partitions_agree_on_the_rows_they_share(
    database: Database, projector: Projector, projectors: Sequence[Projector], seed: int
) -> None:
    random = Random(seed)
    records = random_log.make(random, size=40)
    await projector.project(records)
    expected = await dump(database)
    await clear(database)
    shares: list[list[LogRecord]] = [[], [], []]
    for record in records:
        worker = 0 if record.topic == topics.EVENT_ACCEPTED else 1 + record.partition % 2
        shares[worker].append(record)
    await asyncio.gather(
        *(
            consume(each, Random(seed + n), share)
            for n, (each, share) in enumerate(zip(projectors, shares, strict=True))
        )
    )
    assert await dump(database) == expected


class HoldingDatabase:
    """Does the work of a projector's transactions, then waits before the first, or the second, of them commits."""

    def __init__(self, database: Database, held: int) -> None:
        self._database = database
        self._before = held - 1
        self.is_done, self.may_commit = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        async with self._database.transaction() as session:
            yield session
            if self._before == 0:
                self.is_done.set()
                await self.may_commit.wait()
            self._before -= 1


async def overlapped(
    database: Database, held: Sequence[LogRecord], other: Sequence[LogRecord], transaction: int
) -> None:
    """Project `other` while a transaction of `held` has done its work and not yet committed."""
    holding = HoldingDatabase(database, transaction)
    first = asyncio.create_task(Projector(holding).project(held))  # type: ignore[arg-type]
    await holding.is_done.wait()
    second = asyncio.create_task(Projector(database).project(other))

    await asyncio.wait({second}, timeout=HEAD_START)
    holding.may_commit.set()
    await asyncio.gather(first, second)


@pytest.mark.parametrize("transaction", [1, 2])
@pytest.mark.parametrize("event_first", [True, False])
async def test_an_event_and_its_delivery_that_are_written_at_once_know_of_each_other(
    database: Database, event_first: bool, transaction: int
) -> None:
    log, event = Log(), invoice()
    command = command_of(event)
    accepted = [log.accepted(event)]
    reported = [log.reported(fact(command, FactKind.ACCEPTED, Status.SENT, 3, command=command))]
    await overlapped(database, *((accepted, reported) if event_first else (reported, accepted)), transaction)
    assert (await one(database, "communication_events"))["status"] == "processed"


@pytest.mark.parametrize("transaction", [1, 2])
@pytest.mark.parametrize("inbound_first", [True, False])
async def test_messages_that_are_written_at_once_are_both_in_the_conversations_summary(
    database: Database, inbound_first: bool, transaction: int
) -> None:
    log, command = Log(), command_of(invoice())
    inbound = [log.accepted(message(occurred_at=at(5)))]
    sent = [log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 30, command=command))]
    await overlapped(database, *((inbound, sent) if inbound_first else (sent, inbound)), transaction)
    row = await one(database, "conversations")
    assert (row["unread"], row["last_message_key"]) == (1, "3EB0AA01")
    assert row["first_message_at"] == at(1).replace(tzinfo=None)


@pytest.mark.parametrize("transaction", [1, 2])
async def test_two_projectors_of_one_partition_take_turns(database: Database, transaction: int) -> None:
    records = [Log().accepted(invoice())]
    await overlapped(database, records, records, transaction)
    assert (await one(database, "communication_events"))["duplicates"] == 0
