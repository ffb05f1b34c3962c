"""A simulated gateway over real HTTP, and its own API as tests use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from adapters.gateway.tls import tls_context
from infra.simulator.config import SimulatorConfig
from infra.simulator.server import make_server
from tests.support.http import serving
from tests.support.waiting import eventually


@dataclass
class Simulated:
    """A simulator that runs: `url` is the gateway's address, `http` a client of it without the gateway's secret."""

    url: str
    http: httpx.AsyncClient

    async def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call one of its `/_sim` routes, which must work."""
        answer = await self.http.request(method, f"/_sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def fault(self, kind: str, **fields: Any) -> None:
        """Set one fault."""
        await self.control("POST", "faults", {"kind": kind, **fields})

    async def configure(self, **fields: Any) -> None:
        """Change the behaviour."""
        await self.control("PATCH", "config", fields)

    async def delivered(self) -> list[dict[str, Any]]:
        """What reached WhatsApp."""
        messages: list[dict[str, Any]] = (await self.control("GET", "messages"))["messages"]
        return messages

    async def requests(self) -> dict[str, Any]:
        """How often each route was called; `last` has the last calls."""
        return await self.control("GET", "requests")

    async def quiet(self) -> None:
        """Wait until no webhook is still to come."""

        async def is_quiet() -> bool:
            return bool((await self.control("GET", "webhooks"))["pending"] == 0)

        await eventually(is_quiet, because="webhooks are still to come")


@asynccontextmanager
async def simulated(config: SimulatorConfig) -> AsyncIterator[Simulated]:
    """Run one simulator on a free port."""
    async with (
        serving(make_server(config, "127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url, verify=tls_context(), trust_env=False, timeout=30) as http,
    ):
        yield Simulated(url, http)
