"""Bodies: read to a limit, with their type checked first."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from adapters.edge.metrics import Metrics
from adapters.edge.problems import READ_TIMEOUT, TOO_LARGE, UNSUPPORTED, ProblemError, overloaded
from adapters.edge.settings import EdgeSettings

JSON: Final = b"application/json"
NDJSON: Final = frozenset({b"application/x-ndjson", b"application/ndjson", b"application/jsonl"})
_JSON_NAMES: Final = frozenset({JSON, b"text/json"})


def media_type(headers: Mapping[bytes, bytes]) -> bytes:
    """The body's type in lower case, without parameters; JSON where the caller did not say."""
    return headers.get(b"content-type", JSON).partition(b";")[0].strip().lower() or JSON


def is_json(media: bytes) -> bool:
    """Whether a media type is JSON, by its name or its suffix."""
    return media in _JSON_NAMES or media.endswith(b"+json")


def unsupported(media: bytes, wanted: str) -> ProblemError:
    """The 415 that names what was sent and what is taken."""
    return ProblemError(UNSUPPORTED, f"{media.decode('latin-1')[:100]!r} is not taken here: send {wanted}.")


class BodyReader:
    """Reads the bodies of one edge: each to a limit, all that are under way together to two others, size and number."""

    def __init__(self, settings: EdgeSettings, metrics: Metrics) -> None:
        self._limit = settings.max_body_bytes
        self._free_bytes = settings.max_reading_bytes
        self._free_requests = settings.max_requests
        self._timeout = settings.read_timeout_seconds
        self._metrics = metrics

    def body(self, headers: Mapping[bytes, bytes], receive: Receive) -> "_Reading":
        """A context with the whole body, which counts as under way until the context ends.

        A problem where it is too large, too slow or compressed, or where too much is under way; it stops reading there.
        """
        return _Reading(self, headers, receive)

    async def begin(self, reading: "_Reading") -> bytes:
        """Read a body whole, unless its headers say already that it cannot be."""
        self._check(reading.headers)
        self._free_requests -= 1
        try:
            body = await self._read(reading)
        except BaseException:
            self.end(reading)
            raise
        self._metrics.count_body(len(body))
        return body

    def end(self, reading: "_Reading") -> None:
        """Take a body for what is under way no longer."""
        self._free_requests += 1
        self._free_bytes += reading.size

    def _check(self, headers: Mapping[bytes, bytes]) -> None:
        if (coding := headers.get(b"content-encoding", b"identity").lower()) != b"identity":
            detail = f"Content-Encoding {coding.decode('latin-1')[:100]!r} is not taken here."
            raise ProblemError(UNSUPPORTED, detail, headers={"accept-encoding": "identity"})
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._limit:
            raise self._too_large()
        if not self._free_requests:
            raise overloaded("Too many requests are under way.")

    async def _read(self, reading: "_Reading") -> bytes:
        if not await self._takes_more(reading):  # most bodies come in one piece, and need no clock
            return reading.whole()
        try:
            async with asyncio.timeout(self._timeout):
                while await self._takes_more(reading):
                    pass
        except TimeoutError:
            raise ProblemError(READ_TIMEOUT, f"The body took more than {self._timeout:g} seconds.") from None
        return reading.whole()

    async def _takes_more(self, reading: "_Reading") -> bool:
        """Take one piece; whether there are more."""
        message = await reading.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        if reading.size + len(piece) > self._limit:
            raise self._too_large()
        if len(piece) > self._free_bytes:
            raise overloaded("Too many large bodies are under way at once.")
        self._free_bytes -= len(piece)
        reading.size += len(piece)
        reading.pieces.append(piece)
        return bool(message.get("more_body", False))

    def _too_large(self) -> ProblemError:
        return ProblemError(TOO_LARGE, f"At most {self._limit} bytes are taken.", limit=self._limit)


class _Reading:
    """A body on its way in: its pieces, and how much of the common limit it takes.

    A class by hand, for this is on every request's way, and `asynccontextmanager` costs it 3 us.
    """

    __slots__ = ("_reader", "headers", "pieces", "receive", "size")

    def __init__(self, reader: BodyReader, headers: Mapping[bytes, bytes], receive: Receive) -> None:
        self._reader = reader
        self.headers = headers
        self.receive = receive
        self.size = 0
        self.pieces: list[bytes] = []

    async def __aenter__(self) -> bytes:
        return await self._reader.begin(self)

    async def __aexit__(self, *_: object) -> None:
        self._reader.end(self)

    def whole(self) -> bytes:
        """The body; its pieces are let go."""
        body = b"".join(self.pieces)
        self.pieces.clear()
        return body
