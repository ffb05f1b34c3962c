"""Who sends next: order within a contact, fairness between lanes, and a bound on requests under way."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.sending.book import CommandKey
from streams.sending.lanes import Lane
from streams.sending.slots import Slots


class Line(NamedTuple):
    """Commands of one channel to one contact, which go out one after the other."""

    channel: str
    contact: str


class Place(NamedTuple):
    """A line whose turn it is, and the lane in which it got it."""

    line: Line
    lane: Lane


Lines = dict[Line, None]


class Dispatch:
    """The lines of one partition: who stands in them, and which of them may send next.

    Lanes take turns, each channel with at most `per_channel` requests under way, so that a slow one delays no other.
    A line may be ready in several lanes; it sends in one at a time. What a step costs does not depend on how many wait.
    """

    def __init__(self, slots: Slots, per_channel: int, on_free: Callable[[], None]) -> None:
        self._slots = slots
        self._per_channel = per_channel
        self._on_free = on_free
        self._lines: dict[Line, dict[CommandKey, int]] = {}
        self._numbers = itertools.count()
        self._ready: dict[Lane, Lines] = {}
        self._full: dict[str, dict[Lane, Lines]] = {}
        self._shut: dict[str, dict[Lane, Lines]] = {}
        self._under_way: Counter[str] = Counter()
        self._busy: set[Line] = set()

    def join(self, line: Line, key: CommandKey) -> None:
        """Stand at the end of a line."""
        self._lines.setdefault(line, {})[key] = next(self._numbers)

    def leave(self, line: Line, key: CommandKey) -> None:
        """Leave a line."""
        standing = self._lines.get(line, {})
        standing.pop(key, None)
        if not standing:
            self._lines.pop(line, None)

    def standing(self, line: Line) -> Iterator[CommandKey]:
        """Who stands in a line, first come first."""
        yield from self._lines.get(line, ())

    def standing_for(self, channel: str) -> Iterator[CommandKey]:
        """Who stands in any line of a channel."""
        for line, standing in self._lines.items():
            if line.channel == channel:
                yield from standing

    def offer(self, line: Line, lane: Lane) -> None:
        """Say that somebody in a line could send; not heard while a request of that line is under way."""
        if line in self._busy:
            return
        for waiting in (self._full, self._shut):
            if lines := waiting.get(lane.channel, {}).get(lane):
                lines[line] = None
                return
        self._ready.setdefault(lane, {})[line] = None

    def take(self, is_open: Callable[[Lane], bool] = lambda _: True) -> Place | None:
        """The next line that may send, with a slot for its request; None where there is none or no room.

        A lane that is not open is not asked about again before `release`.
        """
        while self._ready:
            lane = next(iter(self._ready))
            lines = self._ready.pop(lane)
            if self._under_way[lane.channel] >= self._per_channel:
                self._full.setdefault(lane.channel, {})[lane] = lines
                continue
            if not is_open(lane):
                self._shut.setdefault(lane.channel, {})[lane] = lines
                continue
            while lines and next(iter(lines)) in self._busy:  # under way in another lane; offered again after that
                del lines[next(iter(lines))]
            if not lines:
                continue
            if not self._slots.take(self._on_free):
                self._ready = {lane: lines, **self._ready}
                return None
            line = next(iter(lines))
            del lines[line]
            if lines:
                self._ready[lane] = lines  # behind the others
            self._under_way[lane.channel] += 1
            self._busy.add(line)
            return Place(line, lane)
        return None

    def release(self, channel: str) -> None:
        """Ask again about the lanes of a channel that were not open; whoever came first goes first."""
        for lane, lines in self._shut.pop(channel, {}).items():
            self._ready[lane] = dict.fromkeys(sorted(lines, key=self._came))

    def done(self, line: Line) -> None:
        """Give the slot of a line back."""
        self._busy.discard(line)
        self._under_way[line.channel] -= 1
        if not self._under_way[line.channel]:
            del self._under_way[line.channel]
        self._ready.update(self._full.pop(line.channel, {}))
        self._slots.give_back()

    def spare(self, line: Line) -> None:
        """Give the slot of a line back that had nothing to send after all."""
        self.done(line)
        self._slots.allow(1)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._busy

    def stop(self) -> None:
        """Give all slots back, and wait for none any more."""
        self._slots.forget(self._on_free)
        for line in list(self._busy):
            self.done(line)

    def _came(self, line: Line) -> int:
        return next(iter(self._lines.get(line, {}).values()), 0)
