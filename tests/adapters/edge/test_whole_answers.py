"""An answer leaves in one write, and nothing that is written is lost, late or out of order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from adapters.edge.whole_answers import GatheringTransport, WholeAnswers
from tests.support.http import serving
from tests.support.waiting import eventually


class Wire(asyncio.Transport):
    """Notes what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []

    def write(self, data: Any) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("close")


def gathering() -> tuple[GatheringTransport, list[Any]]:
    wire = Wire()
    return GatheringTransport(wire, asyncio.get_running_loop()), wire.done


async def test_head_and_body_leave_together_at_once() -> None:
    transport, done = gathering()
    transport.write(b"head ")
    assert done == []
    transport.write(b"body")
    assert done == [b"head body"]


async def test_what_nothing_follows_leaves_when_the_loop_comes_round() -> None:
    transport, done = gathering()
    transport.write(b"100 Continue")
    await eventually(lambda: done == [b"100 Continue"])


async def test_a_third_write_keeps_its_place() -> None:
    transport, done = gathering()
    for data in (b"1", b"2", b"3"):
        transport.write(data)
    await eventually(lambda: done == [b"12", b"3"])


async def test_a_connection_is_closed_behind_what_was_written() -> None:
    transport, done = gathering()
    transport.write(b"400")
    transport.close()
    assert done == [b"400", "close"]
    await asyncio.wait([asyncio.create_task(_nothing())])
    assert done == [b"400", "close"]


async def test_a_server_answers_with_it_whole_in_parts_and_after_a_continue() -> None:
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    async def parts(_: Request) -> Response:
        async def each() -> AsyncIterator[bytes]:
            for part in (b"a", b"b", b"c"):
                yield part

        return StreamingResponse(each())

    app = Starlette(routes=[Route("/echo", echo, methods=["POST"]), Route("/parts", parts)])
    config = uvicorn.Config(app, http=WholeAnswers, ws="none", lifespan="off", log_level="warning")
    async with serving(uvicorn.Server(config)) as url, httpx.AsyncClient(base_url=url) as client:
        large = b"x" * 3_000_000
        for body in (b"small", large, b""):
            assert (await client.post("/echo", content=body)).content == body
        assert (await client.get("/parts")).text == "abc"
        assert (await client.post("/echo", content=b"1", headers={"Expect": "100-continue"})).content == b"1"
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.post("/echo", content=b"1", headers={"Connection": "close"})).content == b"1"


async def _nothing() -> None:
    pass
