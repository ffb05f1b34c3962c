"""An errand, who does it, and what came of a try."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from streams.runtime.publisher import NO_HEADERS, Headers


class Errand(msgspec.Struct, frozen=True, array_like=True):
    """One piece of work that is due.

    `id` names it: an errand that is known already is not taken again. `channel` is canonical; `body` is for who does
    it. `attempts` counts the tries that are over; `trace_id` goes into the log. Doing an errand twice must do no harm:
    after a crash it happens.
    """

    id: bytes
    channel: str
    body: bytes
    due: datetime
    attempts: int = 0
    trace_id: str = ""

    def encode(self) -> bytes:
        """The table's value."""
        return msgspec.msgpack.encode(self)


decode = msgspec.msgpack.Decoder(Errand).decode


class Emission(NamedTuple):
    """A record that an errand brings about; it goes to the partition of its key."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers = NO_HEADERS


class Done(NamedTuple):
    """The errand is over, well or not: its outcome is published, then it is forgotten. `reason` goes into the log."""

    emissions: Sequence[Emission] = ()
    reason: str | None = None


class NotYet(NamedTuple):
    """Another try may do better, not before `retry_after` seconds where somebody asked for that.

    What the try itself has to tell is published before the next one.
    """

    reason: str
    retry_after: float | None = None
    emissions: Sequence[Emission] = ()


Answer: TypeAlias = Done | NotYet


class Errander(Protocol):
    """Does the errands of one kind."""

    async def attempt(self, errand: Errand, /) -> Answer:
        """Try once. An error that nobody foresaw counts as a try that did not help."""
        ...

    def give_up(self, errand: Errand, reason: str, /) -> Done:
        """What follows when the last try did not help."""
        ...
