"""Puts the simulator together: the gateway's API, its own API, and the webhooks that follow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from infra.simulator.config import SimulatorConfig
from infra.simulator.connections import TransportInScope
from infra.simulator.control import Control
from infra.simulator.faults import FaultBook
from infra.simulator.gateway import Gateway
from infra.simulator.record import Record
from infra.simulator.state import State
from infra.simulator.webhooks import WebhookPoster


def create_app(config: SimulatorConfig, record: Path | None = None) -> ASGIApp:
    """One simulated gateway; it keeps its state in memory, and drops its webhooks under way when it stops.

    With a `record`, messages and channels are in that file as well, and a restart goes on from there.
    """
    config = config.model_copy()
    state, faults = State(), FaultBook()
    if record is not None:
        Record(record).restore(state)
    webhooks = WebhookPoster(state, config)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await webhooks.aclose()

    routes = [
        Route("/healthz", _healthz),
        *Gateway(state, config, faults, webhooks).routes(),
        *Control(state, config, faults, webhooks).routes(),
    ]
    handlers = {HTTPException: _no_route}
    return TransportInScope(Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers))


async def _healthz(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _no_route(request: Request, error: Exception) -> Response:
    """What the gateway's web framework says of a path that it does not serve."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return HTMLResponse(f"<pre>Cannot {request.method} {request.url.path}</pre>", status)


__all__ = ["create_app"]
