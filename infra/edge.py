"""The edge's process: settings, Kafka and server put together."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
import uvicorn
from starlette.types import ASGIApp

from adapters.edge.app import build_app
from adapters.edge.kafka import KafkaLog, make_producer
from adapters.edge.settings import EdgeSettings
from adapters.edge.siblings import Siblings
from adapters.edge.spool.slots import Slots
from adapters.edge.spool.spool import SpoolLimits
from adapters.edge.spooled import SpooledLog
from adapters.edge.whole_answers import WholeAnswers
from infra.admin import app as admin
from infra.context import Context
from infra.edge_processes import keep_processes
from infra.errors import OperatorError, SettingsError
from infra.kafka import connection, started
from infra.logging import configure
from infra.settings import Settings
from streams import failpoints, heap, topics

log = structlog.get_logger()

_LAST_REQUESTS_SECONDS = 10
_YOUNG_OBJECTS = 20_000
"""So many new objects until the garbage collector looks through them: with a round every 700, which are those of the
requests under way, it took 7 % of a webhook; and one through modules and types took 30 ms of everybody's time."""


def run(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way. An error is one sentence."""
    require_secrets(settings)
    configure(settings, "edge")
    if not settings.webhook_secrets:
        log.warning("webhook_is_open", setting="PIXELHUB_WHATSAPP_WEBHOOK_SECRET", meaning="anyone may post webhooks")
    with listening(host, port) as listener:
        if workers == 1:
            serve(settings, make_app(settings), listener)
            return
    keep_processes(host, port, workers)  # the port is free, as we have just seen


def run_one(settings: Settings, host: str, port: int, siblings: Siblings) -> None:
    """Serve as one of several processes that share the port."""
    configure(settings, f"edge-{siblings.number}")
    with listening(host, port, is_shared=True) as listener:
        serve(settings, make_app(settings, siblings), listener)


def serve(settings: Settings, app: ASGIApp, listener: socket.socket) -> None:
    """Serve until a signal says otherwise."""
    failpoints.arm(os.environ)
    heap.settle(_YOUNG_OBJECTS)
    with suppress(KeyboardInterrupt):
        make_server(app, settings.posto_edge_keep_alive_seconds).run([listener])


def require_secrets(settings: Settings) -> None:
    """SettingsError where the secret is missing without which the edge would be open to all."""
    if not settings.ingestion_secrets:
        raise SettingsError(
            "EVENT_INGESTION_SECRET is not set: without it anyone could send events; "
            "put it into the environment or .env (see .env.example)."
        )


def make_app(settings: Settings, siblings: Siblings | None = None) -> ASGIApp:
    """The edge on the Kafka that the settings name; SettingsError where a secret is missing."""
    require_secrets(settings)
    edge_settings = EdgeSettings(
        webhook_secrets=settings.webhook_secrets,
        ingestion_secrets=settings.ingestion_secrets,
        max_body_bytes=settings.posto_edge_max_body_bytes,
        max_requests=settings.posto_edge_max_requests,
    )
    kafka = KafkaLog(
        lambda: started(lambda: make_producer(connection(settings))),
        (topics.RAW_WEBHOOK, topics.RAW_EVENT),
        timeout_seconds=settings.posto_edge_produce_timeout_seconds,
    )
    spooled = SpooledLog(
        kafka,
        Slots(settings.spool_dir),
        SpoolLimits(settings.posto_spool_max_bytes, settings.posto_spool_max_entries),
        after_seconds=settings.posto_spool_after_seconds,
        timeout_seconds=settings.posto_edge_produce_timeout_seconds,
        look_seconds=settings.posto_spool_look_seconds,
    )
    context = Context(settings)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with spooled, context:
            yield

    return build_app(edge_settings, spooled, running, spooled.metrics.collectors, siblings, admin.build(context))


def make_server(app: ASGIApp, keep_alive_seconds: float = 75.0) -> uvicorn.Server:
    """The server of an edge; its logs go where ours go, and requests are logged by the edge itself."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=WholeAnswers,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
            timeout_keep_alive=round(keep_alive_seconds),
        )
    )


def listening(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """A socket that is bound to an address; OperatorError names what is in the way.

    Several that are shared may be bound to one address, and the kernel spreads the connections over those that listen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: event loops turn Nagle's algorithm (40 ms an answer) off only where they read TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OperatorError(f"POSTO_EDGE_PORT: {host}:{port} cannot be listened on: {error.strerror}.") from None
    return listener
