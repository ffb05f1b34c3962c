"""Observation: each request counted, timed, and logged where it went wrong."""

import time
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.edge.metrics import Metrics
from adapters.edge.tracing import TRACE_ID

log = structlog.get_logger()

_CLIENT_GONE: Final = 499


class Observation:
    """Around all of the edge's routes. What went well is counted only: its line is the record in Kafka."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = _CLIENT_GONE

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except ClientDisconnect:
            return
        except Exception:
            status = 500
            raise
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        matched = scope.get("route")
        route = matched.path if matched else "none"
        self._metrics.count_request(route, status, seconds)
        if status < 400:
            return
        write = log.info if status < 500 else log.warning
        about = {"trace_id": scope[TRACE_ID]} if TRACE_ID in scope else {}
        write(
            "request_failed",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **about,
        )
