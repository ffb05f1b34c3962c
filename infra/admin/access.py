"""Who asks, and what they may: tokens and their scopes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.edge import tracing
from adapters.edge.problems import ProblemError
from infra.admin import problems
from infra.admin.kinds import OUT_OF_SCOPE, UNKNOWN_TOKEN
from infra.tokens import ADMIN, OPERATE, READ, TokenHolder

PREFIX: Final = "/api/admin/"
_OPERATOR: Final = "posto.operator"


@dataclass(frozen=True)
class Operator:
    """Who asks. `name` is who did it, for the audit; `trace_id` that of the request."""

    name: str
    scopes: frozenset[str]
    trace_id: str


Holders = Callable[[str], Awaitable[TokenHolder | None]]
"""Whose a token is; None where nobody's."""


class Authentication:
    """Around all routes: nobody who has no token gets as far as their request being read."""

    def __init__(self, app: ASGIApp, holder_of: Holders) -> None:
        self._app = app
        self._holder_of = holder_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with who asks."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            trace = tracing.from_headers(headers) or tracing.made()
            scope[tracing.TRACE_ID] = trace.trace_id
            if scope["path"].startswith(PREFIX):
                try:
                    scope[_OPERATOR] = await self._operator(headers.get(b"authorization", b""), trace.trace_id)
                except problems.ERRORS as error:
                    response = await problems.answer(Request(scope), error)
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _operator(self, authorization: bytes, trace_id: str) -> Operator:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        challenge = {"www-authenticate": 'Bearer realm="posto"'}
        if scheme.lower() != "bearer" or not token.strip():
            wanted = "Send a token as Authorization: Bearer <token>; `posto tokens create` makes one."
            raise ProblemError(UNKNOWN_TOKEN, wanted, headers=challenge)
        holder = await self._holder_of(token.strip())
        if holder is None:
            raise ProblemError(UNKNOWN_TOKEN, "No such token is known here, or it was revoked.", headers=challenge)
        return Operator(holder.name, holder.scopes, trace_id)


def operator_of(request: Request) -> Operator:
    """Who asks."""
    operator: Operator = request.scope[_OPERATOR]
    return operator


class _Token(SecurityBase):
    """The operator of a request, who must have the scopes of its route."""

    def __init__(self) -> None:
        self.model = HTTPBearer(description="A token of `posto tokens create`, or POSTO_ADMIN_TOKEN.")
        self.scheme_name = "token"

    async def __call__(self, request: Request, needed: SecurityScopes) -> Operator:
        operator = operator_of(request)
        if missing := [scope for scope in needed.scopes if scope not in operator.scopes]:
            raise ProblemError(
                OUT_OF_SCOPE, f"The token {operator.name!r} lacks the scope {missing[0]!r}, which this needs."
            )
        return operator


_token: Final = _Token()

Reader = Annotated[Operator, Security(_token, scopes=[READ])]
"""May look at everything."""
Operating = Annotated[Operator, Security(_token, scopes=[OPERATE])]
"""May act on what goes through: settle, resend, redrive, reply."""
Administrator = Annotated[Operator, Security(_token, scopes=[ADMIN])]
"""May change the configuration."""
