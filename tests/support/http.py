"""HTTP servers of one test, on free ports of loopback: real sockets, in the test's own event loop."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.waiting import eventually

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(server: uvicorn.Server, port: int = 0) -> AsyncIterator[str]:
    """Run a uvicorn server on a port, or a free one; yields its address, and ends it in the way a signal would."""
    # The protocol is named, for asyncio turns Nagle's algorithm (40 ms an answer) off only where it reads TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", port))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started or task.done(), interval=0.002)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[str]:
    """Run a raw TCP server for what no HTTP server would do; yields its address as a URL."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            await talk(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            conversations.discard(task)
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


@contextmanager
def refusing() -> Iterator[str]:
    """An address where every connection is refused: its port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@dataclass
class Inbox:
    """Keeps what is posted to it; `status` is its answer."""

    url: str = ""
    status: int = 202
    bodies: list[bytes] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)

    @property
    def received(self) -> list[Any]:
        """The bodies as JSON, in order of arrival."""
        return [json.loads(body) for body in self.bodies]

    async def take(self, request: Request) -> Response:
        """Keep one body."""
        self.bodies.append(await request.body())
        self.secrets.append(request.headers.get("x-webhook-secret"))
        return Response(status_code=self.status)


@asynccontextmanager
async def receiving() -> AsyncIterator[Inbox]:
    """Run a server that keeps what is posted to any path."""
    inbox = Inbox()
    app = Starlette(routes=[Route("/{path:path}", inbox.take, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", lifespan="off")
    async with serving(uvicorn.Server(config)) as url:
        inbox.url = f"{url}/hook"
        yield inbox
