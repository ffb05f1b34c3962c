"""The edge as an ASGI application."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial

from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from adapters.edge import events, problems, webhook
from adapters.edge.bodies import BodyReader
from adapters.edge.events import Events
from adapters.edge.health import HealthOfAll, HealthRoutes
from adapters.edge.log import Log, LogError
from adapters.edge.metrics import Metrics
from adapters.edge.observation import Observation
from adapters.edge.settings import EdgeSettings
from adapters.edge.shortcut import Shortcut
from adapters.edge.siblings import Siblings
from adapters.edge.webhook import Webhook


def build_app(
    settings: EdgeSettings,
    log: Log,
    running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    collectors: Iterable[Collector] = (),
    siblings: Siblings | None = None,
    others: ASGIApp | None = None,
) -> ASGIApp:
    """Wire the routes to a log; `running` starts and stops what must run beside them, such as the log itself.

    `collectors` are metrics that the log counts by itself, `siblings` the other processes of the same edge, `others`
    answers all paths that are not among its routes.
    """
    metrics = Metrics(log)
    for collector in collectors:
        metrics.registry.register(collector)
    reader = BodyReader(settings, metrics)
    health = HealthRoutes(log, metrics)
    answered: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    if siblings is not None:
        health = of_all = HealthOfAll(log, metrics, siblings)
        answered = partial(siblings.answered, of_all.standing)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running(), answered():
            yield

    ingest = [
        Route(webhook.PATH, Webhook(settings, log, reader), methods=["POST"]),
        Route(events.PATH, Events(settings, log, reader, metrics), methods=["POST"]),
    ]
    app = Starlette(
        routes=[
            *ingest,
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", health.metrics),
        ],
        exception_handlers=dict.fromkeys((problems.ProblemError, LogError, HTTPException, Exception), problems.answer),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    if others is not None:
        app.router.default = others
    return Observation(Shortcut(app, ingest), metrics)
