"""A POST to a route of the shortcut goes there straight; everything else goes its usual way."""

import json
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
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


async def asked(place: Place, usual: Place, sent: list[Message] | None = None, **scope: Any) -> list[Message]:
    """Ask for something where `/near` has a shortcut; what was sent."""
    sent = [] if sent is None else sent

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
async def test_all_else_goes_its_usual_way(scope: dict[str, Any]) -> None:
    near, usual = Place(), Place()
    await asked(near, usual, **scope)
    assert (near.seen, len(usual.seen)) == ([], 1)


@pytest.mark.parametrize(("error", "status"), [(ProblemError(INVALID, "No."), 422), (LogFullError("Full."), 503)])
async def test_an_error_is_answered_with_its_problem(error: Exception, status: int) -> None:
    start, body = await asked(Place(error), Place(), method="POST", path="/near")
    assert (start["status"], json.loads(body["body"])["detail"]) == (status, str(error))


async def test_what_nobody_foresaw_is_answered_without_a_word_of_it_and_goes_on_to_the_log() -> None:
    sent: list[Message] = []
    with pytest.raises(RuntimeError):
        await asked(Place(RuntimeError("a secret")), Place(), sent, method="POST", path="/near")
    start, body = sent
    assert start["status"] == 500
    assert b"secret" not in body["body"]


async def test_a_client_that_is_gone_is_answered_nothing() -> None:
    sent: list[Message] = []
    with pytest.raises(ClientDisconnect):
        await asked(Place(ClientDisconnect()), Place(), sent, method="POST", path="/near")
    assert sent == []
