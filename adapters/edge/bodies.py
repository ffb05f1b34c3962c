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
    """Reads the bodies of one edge: each to a limit, all together to another."""

    def __init__(self, settings: EdgeSettings, metrics: Metrics) -> None:
        self._limit = settings.max_body_bytes
        self._free = settings.max_reading_bytes
        self._timeout = settings.read_timeout_seconds
        self._metrics = metrics

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body; a problem where it is too large, too slow, or compressed. It stops reading at the limit."""
        if (coding := headers.get(b"content-encoding", b"identity").lower()) != b"identity":
            detail = f"Content-Encoding {coding.decode('latin-1')[:100]!r} is not taken here."
            raise ProblemError(UNSUPPORTED, detail, headers={"accept-encoding": "identity"})
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._limit:
            raise self._too_large()
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body: bytes = message.get("body", b"")
        if message.get("more_body", False) or len(body) > self._limit:
            body = await self._rest(body, receive)
        self._metrics.count_body(len(body))
        return body

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        body = bytearray()
        chunk, more = first, True
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    if len(body) + len(chunk) > self._limit:
                        raise self._too_large()
                    if len(chunk) > self._free:
                        raise overloaded("Too many large bodies arrive at once.")
                    self._free -= len(chunk)
                    body += chunk
                    if not more:
                        return bytes(body)
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    chunk, more = message.get("body", b""), message.get("more_body", False)
        except TimeoutError:
            raise ProblemError(READ_TIMEOUT, f"The body took more than {self._timeout:g} seconds.") from None
        finally:
            self._free += len(body)

    def _too_large(self) -> ProblemError:
        return ProblemError(TOO_LARGE, f"At most {self._limit} bytes are taken.", limit=self._limit)
