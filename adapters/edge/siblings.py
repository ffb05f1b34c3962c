"""Siblings: the processes of one edge, which share its port; each can say how all of them stand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

_ANSWER_SECONDS: Final = 3.0
"""A process asks Kafka before it answers, for two seconds at most; and whoever probes us waits for four."""


class Standing(msgspec.Struct, frozen=True):
    """What one process says of itself: why it could not keep a request now, and its metrics in Prometheus' text."""

    number: int
    refusal: str | None = None
    caveat: str | None = None
    metrics: str = ""


Tell = Callable[[], Awaitable[Standing]]
_decode = msgspec.json.Decoder(Standing).decode


class Siblings:
    """Asks the others, each by a socket of its own in a folder that all of them have, and answers them."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        """`number` is ours, from 1 to `count`."""
        self._folder = folder
        self.number = number
        self.count = count

    @asynccontextmanager
    async def answered(self, tell: Tell) -> AsyncIterator[None]:
        """While the context lasts, say what `tell` says to whoever asks."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                writer.write(msgspec.json.encode(await tell()))
                await writer.drain()
            writer.close()

        path = self._path(self.number)
        path.unlink(missing_ok=True)  # of a process that was killed
        server = await asyncio.start_unix_server(answer, path)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def others(self) -> list[Standing]:
        """How the others stand, as far as they run. One that runs and does not answer cannot keep requests either."""
        numbers = [number for number in range(1, self.count + 1) if number != self.number]
        return [standing for standing in await asyncio.gather(*map(self._ask, numbers)) if standing is not None]

    async def _ask(self, number: int) -> Standing | None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    said = await reader.read()
                finally:
                    writer.close()
                return _decode(said)
        except TimeoutError:
            return Standing(number, refusal=f"It does not answer within {_ANSWER_SECONDS:g} s.")
        except (OSError, msgspec.DecodeError):  # it is not there, or ended in the middle of its answer
            return None

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sock"
