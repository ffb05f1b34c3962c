"""Health: is the process alive, can it keep a request, what does it count."""

import asyncio
from collections.abc import Iterator, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import Response

from adapters.edge.log import Log, LogError, LogUnavailableError
from adapters.edge.metrics import Metrics
from adapters.edge.siblings import Siblings, Standing
from schemas.api import Health


class HealthRoutes:
    """`/healthz`, `/readyz` and `/metrics` of an edge that is one process."""

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
        return _metrics(self._metrics.registry)


class HealthOfAll(HealthRoutes):
    """The same for an edge of several processes, whichever is asked; metrics name the `process` they are of."""

    def __init__(self, log: Log, metrics: Metrics, siblings: Siblings) -> None:
        super().__init__(log, metrics)
        self._siblings = siblings

    async def readyz(self, _: Request) -> Response:
        """200 while a request can be kept wherever it comes to, else a 503 that says which process cannot and why.

        One that does not run gets no requests; it is named.
        """
        standings = await self._everyone()
        if refusals := [_said(one, one.refusal) for one in standings if one.refusal]:
            raise LogUnavailableError(" ".join(refusals))
        said = [_said(one, one.caveat) for one in standings if one.caveat]
        if len(standings) < self._siblings.count:
            said.insert(0, f"{len(standings)} of {self._siblings.count} processes run.")
        return _answer(Health(status="ready", detail=" ".join(said) or None))

    async def metrics(self, _: Request) -> Response:
        """The metrics of all that run."""
        registry = CollectorRegistry()
        registry.register(_Together(await self._everyone()))
        return _metrics(registry)

    async def standing(self) -> Standing:
        """How this process stands."""
        try:
            await self._log.check()
            refusal = None
        except LogError as error:
            refusal = str(error)
        metrics = generate_latest(self._metrics.registry).decode()
        return Standing(self._siblings.number, refusal, self._log.caveat, metrics)

    async def _everyone(self) -> list[Standing]:
        own, others = await asyncio.gather(self.standing(), self._siblings.others())
        return sorted([own, *others], key=lambda one: one.number)


class _Together:
    """A collector of what several processes collected."""

    def __init__(self, standings: Sequence[Standing]) -> None:
        self._standings = standings

    def collect(self) -> Iterator[Metric]:
        """Their metrics, each sample with the number of its process."""
        together: dict[str, Metric] = {}
        for standing in self._standings:
            process = {"process": str(standing.number)}
            for family in text_string_to_metric_families(standing.metrics):
                whole = together.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                whole.samples += [sample._replace(labels=process | sample.labels) for sample in family.samples]
        yield from together.values()


def _said(standing: Standing, what: str | None) -> str:
    return f"Process {standing.number}: {what}"


def _metrics(registry: CollectorRegistry) -> Response:
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _answer(health: Health) -> Response:
    return Response(health.encoded(), media_type="application/json", headers={"cache-control": "no-store"})
