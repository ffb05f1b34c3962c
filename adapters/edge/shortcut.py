"""The shortcut: routes that carry the load pass no router and no layer for exceptions on their way."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.edge import problems
from adapters.edge.log import LogError


class Shortcut:
    """ASGI middleware. A POST to the very path of one of `routes` goes there straight, everything else its usual way.

    The usual way costs 14 us a request, a fifth of all that it takes to keep one.
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
        except (problems.ProblemError, LogError) as error:
            response = await problems.answer(Request(scope), error)
            await response(scope, receive, send)
