"""The projector as an agent: a batch in, rows out; what goes wrong is left to the runtime."""

import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from adapters.mysql.records import ProjectionError
from agents import projector
from infra.database import database as database_of
from infra.migrations import migrate
from infra.settings import load
from streams import topics
from streams.runtime import Batch
from tests.adapters.mysql.log import Log, LogRecord, invoice

pytestmark = pytest.mark.integration


def batch(*records: LogRecord) -> Batch:
    return Batch("projector", records, {topics.DEAD_LETTER: 1}, None)  # type: ignore[arg-type]


@pytest.fixture
async def database(mysql: str) -> Database:
    settings = load(mysql_dsn=mysql)
    await migrate(settings)
    return database_of(settings)


async def test_a_batch_becomes_rows_and_emits_nothing(database: Database) -> None:
    log = Log()
    given = batch(log.accepted(invoice(1)), log.accepted(invoice(2)))
    await projector.build(Projector(database))(given)
    assert len(await database.fetch("SELECT * FROM communication_events")) == 2
    assert (given.outputs, given.changes, given.dead) == ({}, {}, 0)
    await database.close()


async def test_a_record_that_cannot_be_projected_is_raised_for_the_runtime(database: Database) -> None:
    with pytest.raises(ProjectionError):
        await projector.build(Projector(database))(batch(Log().append(topics.EVENT_ACCEPTED, b"{")))
    await database.close()
