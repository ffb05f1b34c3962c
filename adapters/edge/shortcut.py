"""The shortcut: routes that carry the load pass neither Starlette's layers nor its router on their way."""

from collections.abc import Iterable

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.edge import problems
from adapters.edge.log import LogError


class Shortcut:
    """An ASGI app before Starlette. A POST to the very path of one of `routes` goes there, all else through Starlette.

    The usual way costs 16 us a request, a quarter of all that it takes to keep one.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[Route]) -> None:
        self._app = app
        self._routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        route = self._routes.get(scope["path"]) if scope.get("method") == "POST" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        try:
            await route.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:
            response = await problems.answer(Request(scope), error)
            await response(scope, receive, send)
            if not isinstance(error, problems.ProblemError | LogError):
                raise
