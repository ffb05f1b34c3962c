"""The connections to one gateway, each on its own: what a request costs does not grow with how many are under way.

httpx's pool looks at all of its connections whenever a request begins or ends: with 64 of them that was three quarters
of a send.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple, cast

import httpx

from adapters.gateway.tls import tls_context

KEEPALIVE_SECONDS: Final = 3.0
"""Less than the 5 s after which a Node server closes an idle connection: a request that meets the closing one is lost
with its outcome unknown."""

_ONE: Final = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS)


class _Idle(NamedTuple):
    connection: httpx.AsyncHTTPTransport
    since: float


class Connections(httpx.AsyncBaseTransport):
    """At most `most` at once; a request that finds none free waits as long as its pool timeout says.

    The one that was used last goes first, so that those which are not needed grow old and are closed.
    """

    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)
        self._idle: deque[_Idle] = deque()
        self._all: set[httpx.AsyncHTTPTransport] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request on a connection of its own, which is free again once the answer is closed."""
        await self._place(within=request.extensions["timeout"]["pool"])
        connection = self._idle.pop().connection if self._idle else self._made()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await self._lose(connection)
            raise
        body = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _Answer(body, partial(self._give_back, connection), partial(self._lose, connection))
        return response

    async def aclose(self) -> None:
        """Close all, those with a request under way as well."""
        self._idle.clear()
        for connection in list(self._all):
            await self._close(connection)

    async def _place(self, *, within: float | None) -> None:
        try:
            async with asyncio.timeout(within):
                await self._places.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("Every connection has a request under way.") from None

    def _made(self) -> httpx.AsyncHTTPTransport:
        connection = httpx.AsyncHTTPTransport(verify=tls_context(), limits=_ONE, trust_env=False)
        self._all.add(connection)
        return connection

    async def _give_back(self, connection: httpx.AsyncHTTPTransport) -> None:
        now = time.monotonic()
        self._idle.append(_Idle(connection, now))
        self._places.release()
        while self._idle and self._idle[0].since < now - KEEPALIVE_SECONDS:
            await self._close(self._idle.popleft().connection)

    async def _lose(self, connection: httpx.AsyncHTTPTransport) -> None:
        """Let go what broke off; nobody knows what would come next on it."""
        try:
            await self._close(connection)
        finally:
            self._places.release()

    async def _close(self, connection: httpx.AsyncHTTPTransport) -> None:
        self._all.discard(connection)
        await connection.aclose()


class _Answer(httpx.AsyncByteStream):
    """The body of an answer, with which its connection is given back, or lost."""

    def __init__(
        self,
        body: httpx.AsyncByteStream,
        give_back: Callable[[], Awaitable[None]],
        lose: Callable[[], Awaitable[None]],
    ) -> None:
        self._body = body
        self._give_back = give_back
        self._lose = lose

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        """Once, as httpx does: whatever of the body was not read is given up."""
        try:
            await self._body.aclose()
        except BaseException:
            await self._lose()
            raise
        await self._give_back()


__all__ = ["KEEPALIVE_SECONDS", "Connections"]
