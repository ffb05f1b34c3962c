"""Closes a connection without an answer, which ASGI has no word for."""

from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_TRANSPORT: Final = "posto.transport"


class TransportInScope:
    """Puts uvicorn's transport into the scope; the outermost layer, since any other one hides it behind its `send`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "http":
            scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await self.app(scope, receive, send)


class DroppedConnection(Response):
    """Closes the connection instead of answering; RuntimeError under a server that does not show its transport."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close, and wait until the server has noticed: it would answer 500 in our place."""
        transport = scope.get(_TRANSPORT)
        if transport is None:
            raise RuntimeError("A connection can be dropped only under uvicorn.")
        transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


__all__ = ["DroppedConnection", "TransportInScope"]
