"""A simulated gateway whose webhooks go to an inbox, and its API with the right secret."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio

from adapters.gateway.tls import tls_context
from infra.simulator.config import SimulatorConfig
from tests.support.gateway import Simulated, simulated
from tests.support.http import Inbox, receiving

SECRET = "gateway-secret"
CHANNEL = "Canal Um"
TO = "5547999990001"


@dataclass
class World:
    """A simulator, the hub's stand-in, and a caller of the gateway's API."""

    simulator: Simulated
    inbox: Inbox
    api: httpx.AsyncClient

    async def send(self, **fields: Any) -> httpx.Response:
        """Send one text."""
        return await self.api.post("/api/messages", json={"channel": CHANNEL, "to": TO, "text": "oi", **fields})

    async def webhooks(self) -> list[dict[str, Any]]:
        """All webhooks, once none is still to come."""
        await self.simulator.quiet()
        received: list[dict[str, Any]] = self.inbox.received
        return received


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_world() -> AsyncIterator[World]:
    """One simulator for a module's tests, without delays."""
    async with receiving() as inbox:
        config = SimulatorConfig(
            secret=SECRET, webhook_url=inbox.url, webhook_secret="hub-secret", ack_delay_seconds=0.0
        )
        headers = {"X-Gateway-Secret": SECRET, "X-Request-Id": "r-1"}
        async with (
            simulated(config) as simulator,
            httpx.AsyncClient(base_url=simulator.url, headers=headers, verify=tls_context(), trust_env=False) as api,
        ):
            yield World(simulator, inbox, api)


@pytest_asyncio.fixture(loop_scope="module")
async def world(running_world: World) -> World:
    """The simulator as at its start, and an empty inbox."""
    await running_world.simulator.control("POST", "reset")
    await running_world.simulator.quiet()
    running_world.inbox.bodies.clear()
    running_world.inbox.secrets.clear()
    running_world.inbox.status = 202
    return running_world
