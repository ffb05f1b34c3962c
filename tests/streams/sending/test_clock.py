import asyncio
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from streams.sending.clock import Alarms, SystemClock
from tests.streams.sending.world import START, Clock, seconds


@contextmanager
def traced_memory() -> Iterator[Callable[[], int]]:
    """The bytes that were taken since and not given back."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


class Bell:
    """Alarms on a clock of the test's own, and how often they rang."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.rings = 0
        self.alarms = Alarms(self.clock, self._ring)

    def _ring(self) -> None:
        self.rings += 1
        self.alarms.due(self.clock.now())
        self.alarms.set()


async def test_moments_are_due_in_their_order_and_once() -> None:
    alarms = Bell().alarms
    for number, key in ((3, b"c"), (1, b"a"), (2, b"b")):
        alarms.add(START + seconds(number), key)
    assert alarms.due(START) == []
    assert alarms.due(START + seconds(2)) == [b"a", b"b"]
    assert alarms.due(START + seconds(9)) == [b"c"]
    assert alarms.due(START + seconds(9)) == []


async def test_each_waits_for_its_earliest_moment_alone() -> None:
    alarms = Bell().alarms
    for number in (5, 3, 9, 3):
        alarms.add(START + seconds(number), b"a")
    assert alarms.due(START + seconds(9)) == [b"a"]
    alarms.add(START + seconds(10), b"a")
    assert alarms.due(START + seconds(10)) == [b"a"]


async def test_what_is_forgotten_is_due_no_more_until_it_is_added_again() -> None:
    alarms = Bell().alarms
    for key in (b"a", b"b"):
        alarms.add(START + seconds(1), key)
    alarms.forget(b"a")
    assert alarms.due(START + seconds(1)) == [b"b"]
    alarms.add(START + seconds(2), b"a")
    assert alarms.due(START + seconds(2)) == [b"a"]


async def test_many_that_are_forgotten_take_no_memory_and_hide_none_that_waits() -> None:
    alarms = Bell().alarms
    alarms.add(START + seconds(7), b"stays")
    with traced_memory() as used:
        for number in range(20_000):
            alarms.add(START + timedelta(days=30), b"%d" % number)
            alarms.forget(b"%d" % number)
        assert used() < 50_000  # bytes; they would be millions
    assert alarms.due(START + timedelta(days=31)) == [b"stays"]


async def test_the_nearest_moment_rings() -> None:
    bell = Bell()
    bell.alarms.add(START + seconds(5), b"late")
    bell.alarms.set()
    bell.alarms.add(START + seconds(2), b"early")
    bell.alarms.set()
    await bell.clock.advance(1.9)
    assert bell.rings == 0
    await bell.clock.advance(0.1)
    assert bell.rings == 1


async def test_a_far_moment_is_looked_for_again_and_again() -> None:
    bell = Bell()
    bell.alarms.add(START + seconds(3600), b"far")
    bell.alarms.set()
    await bell.clock.advance(100)
    assert bell.rings == 3


async def test_alarms_that_are_stopped_do_not_ring() -> None:
    bell = Bell()
    bell.alarms.add(START + seconds(1), b"a")
    bell.alarms.set()
    bell.alarms.stop()
    await bell.clock.advance(10)
    assert bell.rings == 0


async def test_the_system_clock_calls_at_once_for_a_moment_that_has_passed() -> None:
    clock = SystemClock()
    called = asyncio.Event()
    assert clock.now().tzinfo is UTC
    clock.call_at(datetime(2020, 1, 1, tzinfo=UTC), called.set)
    async with asyncio.timeout(5):
        await called.wait()
