"""The mailbox of a partition's owner: all that happens to it, in one order."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from streams.sending.book import CommandKey
from streams.sending.desk import Incoming
from streams.sending.parking import News

_MOST_AT_ONCE: Final = 200  # inputs a step; more would keep the event loop for too long


class AttemptKey(NamedTuple):
    """One attempt of one command."""

    command: CommandKey
    attempt: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """Inputs came in; `logged` is done once what follows from them is in the log."""

    inputs: Sequence[Incoming]
    logged: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Answered:
    """The request of an attempt has its answer."""

    attempt: AttemptKey


@dataclass(frozen=True, slots=True)
class Told:
    """The gateway said how a channel is."""

    news: News


class Nudge:
    """A moment has come, a slot has become free, or the gateway went or came back."""


class Close:
    """Nothing is to be done after this."""


Letter: TypeAlias = Delivered | Answered | Told | Nudge | Close


class Mailbox:
    """Letters in the order in which they came; inputs that wait for their place in the log can be given back."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Letter] = asyncio.Queue()
        self._unlogged: set[asyncio.Future[None]] = set()

    def put(self, letter: Letter) -> None:
        """Add a letter."""
        self._queue.put_nowait(letter)

    def deliver(self, inputs: Sequence[Incoming]) -> asyncio.Future[list[None]]:
        """Add inputs; the future is done once all that follows from them is in the log."""
        futures = []
        for start in range(0, len(inputs), _MOST_AT_ONCE):
            logged = asyncio.get_running_loop().create_future()
            self._unlogged.add(logged)
            logged.add_done_callback(self._unlogged.discard)
            self.put(Delivered(inputs[start : start + _MOST_AT_ONCE], logged))
            futures.append(logged)
        return asyncio.gather(*futures)

    async def take(self) -> list[Letter]:
        """All that waits, up to the bound of a step; waits for the first."""
        letters = [await self._queue.get()]
        size = _size(letters[0])
        while size < _MOST_AT_ONCE and not self._queue.empty():
            letters.append(self._queue.get_nowait())
            size += _size(letters[-1])
        return letters

    def let_go(self, letters: Iterable[Letter]) -> None:
        """Say that what follows from these inputs is safe."""
        for letter in letters:
            if isinstance(letter, Delivered) and not letter.logged.done():
                letter.logged.set_result(None)

    def give_back(self, error: Exception) -> None:
        """Let go the inputs that are not in the log."""
        for logged in list(self._unlogged):
            if not logged.done():
                logged.set_exception(error)


def _size(letter: Letter) -> int:
    return len(letter.inputs) if isinstance(letter, Delivered) else 1
