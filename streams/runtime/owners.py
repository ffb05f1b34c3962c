"""The owners of partitions: one for each partition that a worker has, from the take-over to the hand-over."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

from streams.runtime.errors import BrokenInvariantError, HandingOverError

IncomingT = TypeVar("IncomingT")
IncomingT_contra = TypeVar("IncomingT_contra", contravariant=True)

LAST_WRITES: Final = 8.0
"""Seconds that the last writes of a hand-over may take."""
_TAKEN_OVER_AT_ONCE: Final = 8


class Owner(Protocol[IncomingT_contra]):
    """Owns what goes on in one partition: `await recover()`, then `run()` as a task, then `await close(...)`."""

    async def recover(self) -> None:
        """Take the partition over."""
        ...

    async def run(self) -> None:
        """Work until closed; an error ends the ownership."""
        ...

    async def take(self, inputs: Sequence[IncomingT_contra], /) -> None:
        """Take what came in; return once it is safe. HandingOverError where it is for the next owner."""
        ...

    def start_nothing_more(self) -> None:
        """The partition is about to be handed over."""
        ...

    async def close(self, grace: float) -> None:
        """Hand the partition over, after `grace` seconds at most for what is under way."""
        ...


class Owners(Generic[IncomingT]):
    """Takes partitions over, hands them over, and gives each what comes in for it.

    `grace`: seconds for which a hand-over waits for what is under way. `fatal` is told of an error that ended an owner:
    the process must stop.
    """

    def __init__(
        self, new_owner: Callable[[int], Owner[IncomingT]], *, grace: float, fatal: Callable[[BaseException], None]
    ) -> None:
        self._new_owner = new_owner
        self._grace = grace
        self._fatal = fatal
        self._running: dict[int, tuple[Owner[IncomingT], asyncio.Task[None]]] = {}
        self._taking: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._is_between = True

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Own these partitions and no other: to be called when their tables are recovered, before records arrive.

        Returns early where a release or another assignment comes in between: what was not taken by then never is.
        """
        await self._stop_taking()
        await self._hand_over(frozenset(self._running) - partitions)
        taking = self._taking = asyncio.create_task(self._take_over_all(partitions - frozenset(self._running)))
        await asyncio.wait({taking})
        if self._taking is taking and not taking.cancelled():
            self._taking = None
            taking.result()
            self._is_between = False

    def start_nothing_more(self) -> None:
        """Begin nothing new; what is under way goes on. The first step of a hand-over."""
        for owner, _ in self._running.values():
            owner.start_nothing_more()

    async def release(self) -> None:
        """Hand all partitions over: at every rebalance and stop, since nobody knows yet which of them come back.

        Returns when nothing of this worker is under way any more, however many releases run at once.
        """
        self._is_between = True
        await self._stop_taking()
        await self._hand_over(frozenset(self._running))

    async def take(self, incoming: Mapping[int, Sequence[IncomingT]]) -> None:
        """Give each partition's owner what came in; return once it is in its log.

        HandingOverError while the partitions are being handed over; BrokenInvariantError for one that was never taken.
        """
        missing = sorted(frozenset(incoming) - frozenset(self._running))
        if missing and self._is_between:
            raise HandingOverError
        if missing:
            raise BrokenInvariantError(f"records of partitions {missing}, which have no owner here")
        await asyncio.gather(*(self._running[partition][0].take(inputs) for partition, inputs in incoming.items()))

    async def _stop_taking(self) -> None:
        """End a take-over that is under way: its partitions may be somebody else's by now."""
        taking, self._taking = self._taking, None
        if taking is not None:
            taking.cancel()
            await asyncio.wait({taking})

    async def _take_over_all(self, partitions: frozenset[int]) -> None:
        room = asyncio.Semaphore(_TAKEN_OVER_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for partition in sorted(partitions):
                group.create_task(self._take_over(partition, room))

    async def _take_over(self, partition: int, room: asyncio.Semaphore) -> None:
        async with room:
            owner = self._new_owner(partition)
            await owner.recover()
        task = asyncio.create_task(owner.run(), name=f"{type(owner).__name__.lower()}-{partition}")
        task.add_done_callback(self._watch)
        self._running[partition] = owner, task

    async def _hand_over(self, partitions: frozenset[int]) -> None:
        for partition in sorted(partitions):
            leaving = asyncio.create_task(self._close(*self._running.pop(partition)))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        await asyncio.gather(*self._leaving)

    async def _close(self, owner: Owner[IncomingT], task: asyncio.Task[None]) -> None:
        closing = asyncio.ensure_future(owner.close(self._grace))
        await asyncio.wait({task}, timeout=self._grace + LAST_WRITES / 2)
        task.cancel()
        await asyncio.wait({task, closing})

    def _watch(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._fatal(error)
