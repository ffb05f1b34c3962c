"""A worker's own small HTTP server: is it alive, is it ready, what does it count."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.errors import OperatorError


class Vitals:
    """`/healthz`, `/readyz` and `/metrics` of a process. `waits_for` says why it is not ready yet."""

    def __init__(self, waits_for: str) -> None:
        self.waits_for = waits_for
        self.ready: Callable[[], bool] = lambda: False
        self._app = Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
            ]
        )

    @asynccontextmanager
    async def served(self, host: str, port: int, setting: str = "POSTO_METRICS_PORT") -> AsyncIterator[None]:
        """Serve while the context lasts; OperatorError that names the port's setting where the address is taken."""
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise OperatorError(f"{setting}: {host}:{port} cannot be listened on: {error.strerror}.") from None
        config = uvicorn.Config(self._app, log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        with listener:
            serving = asyncio.create_task(server._serve([listener]))
            try:
                yield
            finally:
                server.should_exit = True
                await serving

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _readyz(self, _: Request) -> Response:
        if self.ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "detail": self.waits_for}, status_code=503)

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
