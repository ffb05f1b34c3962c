"""The tables depend on what the log says, not on how it was consumed: cut, mixed, repeated, by one or by several."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from adapters.mysql.errors import DatabaseUnavailableError
from adapters.mysql.pool import Database, Session
from adapters.mysql.projector import Projector
from infra.database import database as database_of
from infra.settings import Settings
from schemas.deliveries import FactKind, Status
from streams import topics
from tests.adapters.mysql import random_log
from tests.adapters.mysql.log import PROJECTED, Log, LogRecord, command_of, dump, fact, invoice

pytestmark = pytest.mark.integration


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


async def test_records_below_the_position_change_nothing(database: Database, projector: Projector) -> None:
    records = random_log.make(Random(99))
    await projector.project(records)
    before = await dump(database)
    await projector.project(records[:10])
    await projector.project(records)
    assert await dump(database) == before


async def test_the_position_is_kept_with_the_rows(database: Database, projector: Projector) -> None:
    log = Log()
    records = [log.accepted(invoice(number), 4) for number in range(3)]
    await projector.project(records[:2])
    rows = await database.fetch("SELECT topic, `partition`, next_offset FROM projection_offsets")
    assert rows == [{"topic": topics.EVENT_ACCEPTED, "partition": 4, "next_offset": 2}]


class FailingSession:
    """Lets so many statements pass, then the connection is lost."""

    def __init__(self, session: Session, remaining: int) -> None:
        self._session = session
        self.remaining = remaining

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        self._count()
        return await self._session.execute(statement, values)

    async def fetch(self, statement: str, values: Sequence[Any] = ()) -> Any:
        self._count()
        return await self._session.fetch(statement, values)

    def _count(self) -> None:
        self.remaining -= 1
        if self.remaining < 0:
            raise DatabaseUnavailableError("the connection was lost")


class FailingDatabase:
    def __init__(self, database: Database, statements: int) -> None:
        self._database = database
        self.session = FailingSession(None, statements)  # type: ignore[arg-type]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FailingSession]:
        async with self._database.transaction() as session:
            self.session = FailingSession(session, self.session.remaining)
            yield self.session


async def test_a_connection_lost_at_any_statement_leaves_nothing_behind(
    database: Database, projector: Projector
) -> None:
    records = random_log.make(Random(7), size=3)
    nothing = await dump(database)
    statements = 0
    while True:
        failing = FailingDatabase(database, statements)
        try:
            await Projector(failing).project(records)  # type: ignore[arg-type]
        except DatabaseUnavailableError:
            assert await dump(database) == nothing
            statements += 1
        else:
            break
    assert statements > 20
    made = await dump(database)
    await clear(database)
    await projector.project(records)
    assert await dump(database) == made


@pytest.fixture
async def projectors(migrated: Settings, database: Database) -> AsyncIterator[Sequence[Projector]]:
    """Three projectors, as three workers have them."""
    databases = [database_of(migrated, connections=2) for _ in range(3)]
    yield [Projector(one) for one in databases]
    for one in databases:
        await one.close()


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
    await asyncio.gather(*(one.project(records) for one in projectors))
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
        *(consume(one, Random(seed + n), share) for n, (one, share) in enumerate(zip(projectors, shares, strict=True)))
    )
    assert await dump(database) == expected


async def test_an_event_and_its_delivery_meet_whoever_is_first(
    database: Database, projectors: Sequence[Projector]
) -> None:
    log = Log()
    events, facts = [], []
    for number in range(60):
        event = invoice(number)
        command = command_of(event)
        events.append(log.accepted(event))
        facts.append([log.reported(fact(command, FactKind.ACCEPTED, Status.SENT, 3, command=command))])

    async def deliver() -> None:
        for batch in facts:
            await projectors[1].project(batch)

    async def accept() -> None:
        for record in events:
            await projectors[0].project([record])

    await asyncio.gather(accept(), deliver())
    rows = await database.fetch("SELECT status, COUNT(*) AS events FROM communication_events GROUP BY status")
    assert rows == [{"status": "processed", "events": 60}]
