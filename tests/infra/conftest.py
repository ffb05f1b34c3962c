"""The hub's own topics and tables for one test."""

from collections.abc import AsyncIterator

import pytest

from adapters.mysql.pool import Database
from infra.database import database
from infra.migrations.runner import migrate
from infra.settings import Settings, load
from infra.topics import apply_topics
from streams.topics import BY_NAME
from tests.support.topics import delete


@pytest.fixture
async def hub(hub_kafka: str, mysql: str) -> AsyncIterator[Settings]:
    """Settings of a hub whose topics and tables are there and empty; it looks for changes ten times a second."""
    settings = load(
        _env_file=None,
        kafka_bootstrap_servers=hub_kafka,
        mysql_dsn=mysql,
        posto_partitions=1,
        posto_reconcile_seconds=0.1,
    )
    await migrate(settings)
    await apply_topics(settings)
    yield settings
    await delete(hub_kafka, BY_NAME)


@pytest.fixture
async def db(hub: Settings) -> AsyncIterator[Database]:
    """The hub's database."""
    connected = database(hub, connections=2)
    yield connected
    await connected.close()
