"""Fixtures of the whole suite: a real Kafka and a real MySQL, started once for the run and gone afterwards."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support import servers
from tests.support.interruption import pytest_configure as pytest_configure
from tests.support.properties import choose_profile
from tests.support.stack import Stack
from tests.support.stack import stack as running_stack

choose_profile()

QUICK = {"POSTO_MEDIA_FIRST_TRY_SECONDS": "0.5", "POSTO_MEDIA_RETRY_SECONDS": "0.5,0.5,1,1,1,2,2"}
"""Settings of the run's stack where the defaults would keep a test waiting."""


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of the run's broker. Every test uses topics and groups of its own."""
    with servers.kafka_server(tmp_path_factory.mktemp("kafka")) as bootstrap_servers:
        yield bootstrap_servers


@pytest.fixture(scope="session")
def hub_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another broker, for tests that need the hub's own topics: each makes them, and leaves none behind."""
    with servers.kafka_server(tmp_path_factory.mktemp("hub_kafka")) as bootstrap_servers:
        yield bootstrap_servers


@pytest.fixture(scope="session")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DSN of the run's database server; most tests want `mysql`."""
    with servers.mysql_server(tmp_path_factory.mktemp("mysql")) as dsn:
        yield dsn


@pytest.fixture
def mysql(mysql_server: str) -> Iterator[str]:
    """DSN of an empty database that only this test sees."""
    with servers.database(mysql_server) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def new_database(mysql_server: str) -> Iterator[Callable[[], str]]:
    """A function that makes an empty database and returns its DSN; all are dropped when the module is done."""
    with ExitStack() as databases:
        yield lambda: databases.enter_context(servers.database(mysql_server))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack, as `posto up` makes it, shared by the end-to-end tests: use keys and contacts of your own."""
    with running_stack(tmp_path_factory.mktemp("stack"), **QUICK) as running:
        yield running
