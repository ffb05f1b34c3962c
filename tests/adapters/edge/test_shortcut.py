"""A POST to a route of the shortcut goes there straight; everything else goes its usual way."""

import json
from typing import Any

import pytest
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from adapters.edge.log import LogFullError
from adapters.edge.problems import INVALID, ProblemError
from adapters.edge.shortcut import Shortcut


class Place:
    """An ASGI app that notes who came, and answers or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.seen: list[Scope] = []
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        if self._error is not None:
            raise self._error
        await send({"type": "http.response.start", "status": 202, "headers": []})


async def asked(place: Place, usual: Place, **scope: Any) -> list[Message]:
    """Ask for something where `/near` has a shortcut; what was sent."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nobody reads here")

    async def send(message: Message) -> None:
        sent.append(message)

    shortcut = Shortcut(usual, [Route("/near", place, methods=["POST"])])
    await shortcut({"type": "http", "headers": [], **scope}, receive, send)
    return sent


async def test_a_post_goes_straight_and_its_route_is_known() -> None:
    near, usual = Place(), Place()
    [start] = await asked(near, usual, method="POST", path="/near")
    assert start["status"] == 202
    assert ([scope["route"].path for scope in near.seen], usual.seen) == (["/near"], [])


@pytest.mark.parametrize(
    "scope",
    [
        {"method": "GET", "path": "/near"},
        {"method": "POST", "path": "/near/"},
        {"method": "POST", "path": "/far"},
        {"type": "lifespan"},
    ],
)
async def test_all_else_goes_its_usual_way(scope: dict[str, str]) -> None:
    near, usual = Place(), Place()
    await asked(near, usual, **scope)
    assert (near.seen, len(usual.seen)) == ([], 1)


@pytest.mark.parametrize(("error", "status"), [(ProblemError(INVALID, "No."), 422), (LogFullError("Full."), 503)])
async def test_an_error_is_answered_with_its_problem(error: Exception, status: int) -> None:
    start, body = await asked(Place(error), Place(), method="POST", path="/near")
    assert (start["status"], json.loads(body["body"])["detail"]) == (status, str(error))


async def test_what_nobody_foresaw_goes_on_to_whoever_answers_that() -> None:
    with pytest.raises(RuntimeError):
        await asked(Place(RuntimeError("unforeseen")), Place(), method="POST", path="/near")
