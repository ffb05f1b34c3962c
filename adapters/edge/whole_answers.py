"""Whole answers: head and body of one leave in one write."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class WholeAnswers(HttpToolsProtocol):
    """uvicorn's protocol on a transport that gathers.

    uvicorn writes the head of an answer and then its body, and each write is a system call and wakes the caller: of
    130 us for a webhook, the second one took 15.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(GatheringTransport(transport, self.loop))


class GatheringTransport(asyncio.Transport):
    """Holds what is written until something else is, or until the event loop comes round; then writes both at once."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held: Any = None

    def write(self, data: Any) -> None:
        """Write, a little later."""
        if self._held is None:
            self._held = data
            self._loop.call_soon(self._flush)
        else:
            held, self._held = self._held, None
            self._transport.write(held + data)

    def close(self) -> None:
        """Close behind what was written."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is closing or closed."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take nothing more from the peer for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take from the peer again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def _flush(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._transport.write(held)
