"""What a stage is doing, for those who watch it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from streams.runtime.fetched import Record


class Activity:
    """What a stage has in hand.

    `steps` grows with each piece of work that it got done, and with each try that a fault outside ended. `waits_for`
    says what it waits for before the next try, and is empty while it tries.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.waits_for = ""
        self._in_hand: dict[str, Sequence[Record]] = {}

    def __str__(self) -> str:
        if not self._in_hand:
            return "waiting for records"
        return ", ".join(f"{what} {_named(records)}" for what, records in self._in_hand.items())

    @contextmanager
    def doing(self, what: str, records: Sequence[Record]) -> Iterator[None]:
        """While something is in hand; each kind of work is so once at most."""
        self._in_hand[what] = records
        try:
            yield
        finally:
            del self._in_hand[what]
            self.step()

    def step(self) -> None:
        """What was begun has ended, one way or the other."""
        self.steps += 1

    @contextmanager
    def waiting(self, fault: Exception) -> Iterator[None]:
        """While it waits for a fault outside to be over."""
        self.step()
        self.waits_for = str(fault) or type(fault).__name__
        try:
            yield
        finally:
            self.waits_for = ""


def _named(records: Sequence[Record]) -> str:
    first = records[0]
    return f"{len(records)} records from {first.topic}/{first.partition}@{first.offset} on"
