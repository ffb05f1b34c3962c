"""Who sends next: order within a contact, fairness between channels, and a bound on requests under way."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.sending.book import CommandKey


class Line(NamedTuple):
    """Commands of one channel to one contact, which go out one after the other."""

    channel: str
    contact: str


class Slots:
    """How many requests one worker may have under way, over all its partitions."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._waiting: dict[Callable[[], None], None] = {}

    def take(self, on_free: Callable[[], None]) -> bool:
        """Take a slot; where there is none, be called once when there is one again."""
        if self._free:
            self._free -= 1
            return True
        self._waiting[on_free] = None
        return False

    def give_back(self) -> None:
        """Free a slot and call those who waited, the longest first."""
        self._free += 1
        waiting, self._waiting = self._waiting, {}
        for on_free in waiting:
            on_free()

    def forget(self, on_free: Callable[[], None]) -> None:
        """Call this one no more."""
        self._waiting.pop(on_free, None)


class Dispatch:
    """The lines of one partition: who stands in them, and which of them may send next.

    Channels take turns, each with at most `per_channel` requests under way, so that a slow one delays no other.
    """

    def __init__(self, slots: Slots, per_channel: int, on_free: Callable[[], None]) -> None:
        self._slots = slots
        self._per_channel = per_channel
        self._on_free = on_free
        self._lines: dict[Line, dict[CommandKey, None]] = {}
        self._ready: dict[str, dict[Line, None]] = {}
        self._full: dict[str, dict[Line, None]] = {}
        self._under_way: Counter[str] = Counter()
        self._busy: set[Line] = set()

    def join(self, line: Line, key: CommandKey) -> None:
        """Stand at the end of a line."""
        self._lines.setdefault(line, {})[key] = None

    def leave(self, line: Line, key: CommandKey) -> None:
        """Leave a line."""
        standing = self._lines.get(line, {})
        standing.pop(key, None)
        if not standing:
            self._lines.pop(line, None)

    def standing(self, line: Line) -> Iterator[CommandKey]:
        """Who stands in a line, first come first."""
        yield from self._lines.get(line, ())

    def offer(self, line: Line) -> None:
        """Say that somebody in a line could send; not heard while a request of that line is under way."""
        if line in self._busy:
            return
        waiting = self._full if line.channel in self._full else self._ready
        waiting.setdefault(line.channel, {})[line] = None

    def take(self) -> Line | None:
        """The next line that may send, with a slot for its request; None where there is none or no room."""
        while self._ready:
            channel = next(iter(self._ready))
            lines = self._ready.pop(channel)
            if self._under_way[channel] >= self._per_channel:
                self._full[channel] = lines
                continue
            if not self._slots.take(self._on_free):
                self._ready = {channel: lines, **self._ready}
                return None
            line = next(iter(lines))
            del lines[line]
            if lines:
                self._ready[channel] = lines  # behind the others
            self._under_way[channel] += 1
            self._busy.add(line)
            return line
        return None

    def done(self, line: Line) -> None:
        """Give the slot of a line back."""
        self._busy.discard(line)
        self._under_way[line.channel] -= 1
        if not self._under_way[line.channel]:
            del self._under_way[line.channel]
        if lines := self._full.pop(line.channel, None):
            self._ready[line.channel] = lines
        self._slots.give_back()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._busy

    def stop(self) -> None:
        """Give all slots back, and wait for none any more."""
        self._slots.forget(self._on_free)
        for line in list(self._busy):
            self.done(line)
