"""The edge as a door: what never gets in says why, and an edge that is away is waited for."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.edge.submissions import Submission
from infra.doors import ClosedDoorError, EdgeDoor
from infra.hand_made_events import put_together

URL = "http://edge.example"
ACCEPTED: dict[str, Any] = {"status": "accepted"}


def event(number: int, **fields: Any) -> Submission:
    return put_together({"source_system": "erp", "event_type": "a.b", "external_id": number, **fields}, {}, {})


class Edge:
    """Gives its answers one after the other, and keeps the requests."""

    def __init__(self, *answers: Callable[[], httpx.Response]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0)()


def away() -> httpx.Response:
    raise httpx.ConnectError("nobody listens")


def answered(status: int, **body: Any) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, json=body)


async def put(edge: Edge, *submissions: Submission) -> list[str | None]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(edge)) as http:
        return await EdgeDoor(http, URL, "s3cret").put(submissions)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.doors._FIRST_WAIT", 0.0)


async def test_events_are_posted_byte_for_byte_until_the_edge_has_them() -> None:
    edge = Edge(away, answered(503, detail="full"), answered(500), answered(202, results=[ACCEPTED, ACCEPTED]))
    one, two = event(1), event(2)
    assert await put(edge, one, two) == [None, None]
    assert len(edge.requests) == 4
    for request in edge.requests:
        assert str(request.url) == f"{URL}/api/events"
        assert request.headers["authorization"] == "Bearer s3cret"
        assert request.content == b"[" + one.entry.value + b"," + two.entry.value + b"]"


@pytest.mark.parametrize("status", [408, 425, 429])
async def test_an_edge_that_takes_nothing_now_is_asked_again(status: int) -> None:
    edge = Edge(answered(status, detail="not now"), answered(202, results=[ACCEPTED]))
    assert await put(edge, event(1)) == [None]
    assert len(edge.requests) == 2


async def test_an_edge_that_says_when_is_asked_again_then(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("infra.doors.asyncio.sleep", pause)
    busy = httpx.Response(429, headers={"retry-after": "7"})
    assert await put(Edge(lambda: busy, answered(202, results=[ACCEPTED])), event(1)) == [None]
    assert pauses == [7.0]


@pytest.mark.parametrize("body", [{"json": {"detail": "At most 9 bytes are taken."}}, {"text": "<html>"}])
async def test_a_request_that_is_too_large_goes_in_halves_until_one_event_alone_is_refused(
    body: dict[str, Any],
) -> None:
    def too_large() -> httpx.Response:
        return httpx.Response(413, **body)

    one, two, three = event(1), event(2), event(3)
    taken = answered(202, results=[ACCEPTED])
    edge = Edge(too_large, taken, too_large, too_large, taken)
    first, second, third = await put(edge, one, two, three)
    assert (first, third) == (None, None)
    assert "413: it takes no request of" in (second or "")
    assert [request.content.count(b"external_id") for request in edge.requests] == [3, 1, 2, 1, 1]
    assert edge.requests[-1].content == b"[" + three.entry.value + b"]"


async def test_an_event_alone_keeps_the_trace_that_it_has_here() -> None:
    edge = Edge(*[answered(202, results=[ACCEPTED])] * 2)
    await put(edge, one := event(1))
    await put(edge, event(1, trace_id="mine"))
    made, own = edge.requests
    assert made.headers["traceparent"].split("-")[1] == one.trace_id
    assert "traceparent" not in own.headers
    assert b'"trace_id": "mine"' in own.content


@pytest.mark.parametrize("status", [202, 422])
async def test_an_event_that_is_refused_says_why_beside_those_that_are_kept(status: int) -> None:
    refused = {"status": "rejected", "problem": {"detail": "no good"}}
    results = [ACCEPTED, refused] if status == 202 else [refused, refused]
    verdicts = [None if one is ACCEPTED else "no good" for one in results]
    assert await put(Edge(answered(status, results=results)), event(1), event(2)) == verdicts


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (answered(403, detail="No such secret is known here."), "403: No such secret is known here."),
        (answered(404), "404: it is no edge of Posto"),
        (lambda: httpx.Response(200, text="hello"), "200: it is no edge of Posto"),
    ],
)
async def test_a_door_that_stays_closed_is_not_knocked_at_again(
    answer: Callable[[], httpx.Response], said: str
) -> None:
    edge = Edge(answer)
    with pytest.raises(ClosedDoorError, match=said):
        await put(edge, event(1))
    assert len(edge.requests) == 1
