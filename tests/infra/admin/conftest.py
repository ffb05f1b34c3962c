"""The Admin API on a migrated database, asked without a socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import msgspec
import pytest

from adapters.mysql.pool import Database
from infra.admin.app import build
from infra.context import Context
from infra.database import database
from infra.migrations import migrate
from infra.settings import Settings, load
from schemas.audit import AuditChange
from schemas.events import Coordinates
from streams import topics

TOKEN = "master-token-of-these-tests"


@pytest.fixture(scope="module")
def settings(new_database: Callable[[], str]) -> Settings:
    """Of a hub whose tables are there; Kafka and the gateway are not."""
    found = load(
        _env_file=None,
        mysql_dsn=new_database(),
        posto_admin_token=TOKEN,
        kafka_bootstrap_servers="127.0.0.1:9",
        wpp_gateway_base_url="http://127.0.0.1:9",
    )
    asyncio.run(migrate(found))
    return found


class Taken:
    """A producer that takes everything: what it was given in the audit is in `changes`, the rest in `others`."""

    def __init__(self) -> None:
        self.changes: list[AuditChange] = []
        self.others: dict[str, list[bytes]] = {}

    async def send_and_wait(self, topic: str, value: bytes, key: bytes, headers: object) -> Coordinates:
        """Keep a record."""
        if topic == topics.AUDIT_CHANGE:
            self.changes.append(msgspec.json.decode(value, type=AuditChange))
            assert key == self.changes[-1].subject.encode()
        else:
            self.others.setdefault(topic, []).append(value)
        return Coordinates(topic, 0, 0)


@pytest.fixture
def producer() -> Taken:
    return Taken()


@asynccontextmanager
async def asking(settings: Settings, token: str | None = TOKEN) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an Admin API with these settings."""
    async with Context(settings) as context:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(build(context), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://posto", headers=headers) as client:
            yield client


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may do everything."""
    async with asking(settings) as client:
        yield client


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    opened = database(settings, connections=2)  # the projector takes two
    yield opened
    await opened.close()
