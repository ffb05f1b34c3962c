"""A migrated database, empty at the beginning of each test."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra.database import database as database_of
from infra.migrations import migrate
from infra.settings import Settings, load
from tests.adapters.mysql.log import PROJECTED


@pytest.fixture(scope="module")
def migrated(new_database: Callable[[], str]) -> Settings:
    settings = load(mysql_dsn=new_database())
    asyncio.run(migrate(settings))
    return settings


@pytest.fixture
async def database(migrated: Settings) -> AsyncIterator[Database]:
    opened = database_of(migrated)
    for table in PROJECTED:
        await opened.execute(f"DELETE FROM {table}")  # noqa: S608
    yield opened
    await opened.close()


@pytest.fixture
def projector(database: Database) -> Projector:
    return Projector(database)
