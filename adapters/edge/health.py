"""Health: is the process alive, can it keep a request, what does it count."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from adapters.edge.log import Log
from adapters.edge.metrics import Metrics
from schemas.api import Health


class HealthRoutes:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics

    async def healthz(self, _: Request) -> Response:
        """200 while the process answers at all."""
        return _answer(Health(status="ok"))

    async def readyz(self, _: Request) -> Response:
        """200 while a request can be kept, else a 503 that says why not."""
        await self._log.check()
        return _answer(Health(status="ready", detail=self._log.caveat))

    async def metrics(self, _: Request) -> Response:
        """The metrics in Prometheus' text format."""
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _answer(health: Health) -> Response:
    return Response(health.encoded(), media_type="application/json", headers={"cache-control": "no-store"})
