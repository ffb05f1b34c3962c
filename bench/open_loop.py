"""Requests at their moments, whether the ones before have been answered or not: what is late counts as late."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

from tests.support.waiting import eventually

_SECONDS: Final = 30.0
_length: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE).search


async def play(port: int, requests: Sequence[bytes], rate: float) -> tuple[list[float], Counter[str]]:
    """Make requests at a rate; the moments at which each was due, as seconds since 1970, and what was answered."""
    callers, began = Callers(port), time.time()
    due = [began + number / rate for number in range(len(requests))]
    try:
        for moment, request in zip(due, requests, strict=True):
            if (wait := moment - time.time()) > 0:
                await asyncio.sleep(wait)
            await callers.ask(request)
        await eventually(lambda: callers.statuses.total() == len(requests), _SECONDS)
    finally:
        callers.close()
    return due, callers.statuses


class Caller(asyncio.Protocol):
    """One connection, for one request at a time."""

    def __init__(self, callers: "Callers") -> None:
        self._callers = callers
        self._got = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the server."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def ask(self, request: bytes) -> None:
        """Make a request."""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take an answer, or a part of one."""
        self._got += data
        head, blank, body = self._got.partition(b"\r\n\r\n")
        length = _length(head + b"\r\n")
        if not blank or length is None or len(body) < int(length[1]):
            return
        self._got = b""
        self._callers.answered(self, head[9:12].decode())

    def close(self) -> None:
        """End the connection."""
        self._transport.close()


class Callers:
    """As many connections as have a request under way at once; the statuses of their answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[Caller] = []
        self._all: list[Caller] = []
        self.statuses: Counter[str] = Counter()

    async def ask(self, request: bytes) -> None:
        """Make a request, on a connection more where none is free."""
        caller = self._free.pop() if self._free else await self._made()
        caller.ask(request)

    def answered(self, caller: Caller, status: str) -> None:
        """A connection has its answer."""
        self.statuses[status] += 1
        self._free.append(caller)

    def close(self) -> None:
        """End all connections."""
        for caller in self._all:
            caller.close()

    async def _made(self) -> Caller:
        loop = asyncio.get_running_loop()
        _, caller = await loop.create_connection(lambda: Caller(self), "127.0.0.1", self._port)
        self._all.append(caller)
        return caller
