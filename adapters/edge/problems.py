"""Problems: every error of the edge as an RFC 9457 document."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapters.edge.log import LogError, LogFullError
from adapters.edge.tracing import TRACE_ID
from schemas.api import Problem, WrongField

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem; `name` ends its URN."""

    name: str
    status: int
    title: str


MALFORMED: Final = Kind("malformed", 400, "The body cannot be read.")
UNAUTHENTICATED: Final = Kind("unauthenticated", 401, "A secret is needed.")
FORBIDDEN: Final = Kind("forbidden", 403, "The secret is wrong.")
READ_TIMEOUT: Final = Kind("read-timeout", 408, "The body did not arrive in time.")
TOO_LARGE: Final = Kind("too-large", 413, "The body is too large.")
UNSUPPORTED: Final = Kind("unsupported-media-type", 415, "The body's type is not supported.")
INVALID: Final = Kind("invalid", 422, "The body is not what the contract says.")
INTERNAL: Final = Kind("internal", 500, "The edge failed.")
UNAVAILABLE: Final = Kind("unavailable", 503, "The event log cannot be reached.")
OVERLOADED: Final = Kind("overloaded", 503, "Too much is under way.")


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Iterable[WrongField] = (),
        limit: int | None = None,
        current: BaseModel | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`current` is what there is now, where that is what is in the way."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.limit = limit
        self.current = current
        self.headers = headers

    def document(self, trace_id: str | None = None) -> Problem:
        """The problem as a body, or as a part of one."""
        return Problem(
            type=urn(self.kind),
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            trace_id=trace_id,
            limit=self.limit,
            current=None if self.current is None else self.current.model_dump(mode="json"),
            errors=self.errors or None,
        )


def urn(kind: Kind) -> str:
    """The `type` of a problem document."""
    return f"urn:posto:problem:{kind.name}"


def overloaded(detail: str) -> ProblemError:
    """Too much is under way: come back in a second."""
    return ProblemError(OVERLOADED, detail, headers={"retry-after": "1"})


def of(error: Exception) -> ProblemError:
    """What an exception means to the caller. Sending again is always safe: a repeated event has the same key."""
    match error:
        case ProblemError():
            return error
        case LogFullError():
            return overloaded(str(error))
        case LogError():
            return ProblemError(UNAVAILABLE, str(error), headers={"retry-after": "5"})
        case HTTPException():
            status = HTTPStatus(error.status_code)
            kind = Kind(status.phrase.lower().replace(" ", "-"), status, f"{status.phrase}.")
            return ProblemError(kind, f"{status.description or status.phrase}.", headers=error.headers)
        case _:
            return ProblemError(INTERNAL, "Something went wrong inside; the log says what. Sending again is safe.")


async def answer(request: Request, error: Exception) -> Response:
    """Exception handler: the problem document of whatever a route raised."""
    problem = of(error)
    document = problem.document(request.scope.get(TRACE_ID))
    response = Response(document.encoded(), document.status, problem.headers, MEDIA_TYPE)
    if "expect" in request.headers:
        # The body may never come, and what comes next on this connection would be taken for it.
        response.headers["connection"] = "close"
    return response
