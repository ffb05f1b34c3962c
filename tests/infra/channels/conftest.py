"""Tenants and channels on a real database and a simulated gateway; what goes to Kafka is kept here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from adapters.mysql.channels import ChannelRow, TenantRow
from infra.channels import registry
from infra.channels.calls import ONCE
from infra.channels.effects import Actor
from infra.channels.setup import Setup
from infra.configuration import Outcome, Publisher
from infra.context import Context
from infra.migrations import migrate
from infra.settings import Settings, load
from infra.simulator.config import SimulatorConfig
from infra.workers import InForce, Workers
from schemas.audit import AuditChange
from streams import topics
from tests.support.gateway import Simulated, simulated

BY = Actor("ana")
TOKEN = "master-token-of-these-tests"


@dataclass
class Kafka:
    """Stands for the producer, the publisher and the workers: keeps what they are given."""

    records: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    publications: int = 0
    error: Exception | None = None

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, headers: Any) -> None:
        if self.error is not None:
            raise self.error
        self.records.append((topic, key, value))

    async def publish(self, session: Any) -> Outcome:
        if self.error is not None:
            raise self.error
        self.publications += 1
        return Outcome((), (), {}, True, {})

    async def in_force(self, positions: Any, wait: float) -> InForce:
        return InForce(workers=1, waiting_for=[], seconds=0.0)


class World(Context):
    """What the set-up works with: MySQL and the gateway as they are, and a stand-in for Kafka."""

    def __init__(self, settings: Settings, simulator: Simulated) -> None:
        super().__init__(settings)
        self.simulator = simulator
        self.kafka = Kafka()

    async def producer(self) -> Any:
        return self.kafka

    async def publisher(self) -> Publisher:
        return self.kafka  # type: ignore[return-value]

    async def workers(self) -> Workers:
        return self.kafka  # type: ignore[return-value]

    def setup(self, *waits: float) -> Setup:
        """The steps, each call to the gateway made again after these waits."""
        return Setup(self, BY, waits or ONCE)

    async def tenant(self, name: str = "Padaria Sol") -> TenantRow:
        """A new tenant."""
        async with self.db.transaction() as session:
            return await registry.add_tenant(self, session, BY, name, "America/Sao_Paulo")

    async def begun(self, tenant_id: int, channel: str | None = None, *waits: float) -> ChannelRow:
        """A channel of a tenant, begun."""
        async with self.db.transaction() as session:
            return await self.setup(*waits).begin(session, tenant_id, channel)

    def audit(self) -> list[AuditChange]:
        """What is on record."""
        return [
            msgspec.json.decode(value, type=AuditChange)
            for topic, _, value in self.kafka.records
            if topic == topics.AUDIT_CHANGE
        ]

    async def states(self) -> dict[str, str]:
        """The channels of the gateway with their states."""
        listed = (await self.simulator.control("GET", "channels"))["channels"]
        return {channel["id"]: channel["status"] for channel in listed}


@pytest.fixture(scope="module")
def dsn(new_database: Callable[[], str]) -> str:
    """A database with our tables."""
    found = new_database()
    asyncio.run(migrate(load(_env_file=None, mysql_dsn=found)))
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_world(dsn: str) -> AsyncIterator[World]:
    """One gateway and one database for a module's tests."""
    async with simulated(SimulatorConfig(secret="gateway-secret")) as simulator:
        settings = load(
            _env_file=None,
            mysql_dsn=dsn,
            posto_admin_token=TOKEN,
            wpp_gateway_base_url=simulator.url,
            wpp_gateway_secret="gateway-secret",
            pixelhub_whatsapp_webhook_url="http://user:login@hub.example/api/whatsapp/webhook?key=hidden",
            pixelhub_whatsapp_webhook_secret="new-webhook-secret,old-webhook-secret",
        )
        async with World(settings, simulator) as world:
            yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(running_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Nobody owns anything, and the gateway is as at its start; the webhook's probe comes in."""

    async def arrives(*_: Any) -> str:
        return "raw.webhook/0@1"

    monkeypatch.setattr("infra.channels.setup.probe", arrives)
    await running_world.simulator.control("POST", "reset")
    await running_world.db.execute("DELETE FROM tenants")
    running_world.kafka = Kafka()
    return running_world
