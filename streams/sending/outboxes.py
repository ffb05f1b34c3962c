"""The outboxes of a worker: one for each partition that it owns, from the take-over to the hand-over."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from streams.runtime.errors import BrokenInvariantError, HandingOverError
from streams.sending.desk import Incoming
from streams.sending.outbox import Outbox
from streams.sending.surroundings import Surroundings

_SLACK: Final = 5.0  # seconds that the last writes of a hand-over may take
_TAKEN_OVER_AT_ONCE: Final = 8


class Outboxes:
    """Takes partitions over, hands them over, and gives each what comes in for it.

    `grace`: seconds for which a hand-over waits for answers. `fatal` is told of an error that ended an outbox: the
    process must stop.
    """

    def __init__(self, around: Surroundings, *, grace: float, fatal: Callable[[BaseException], None]) -> None:
        self._around = around
        self._grace = grace
        self._fatal = fatal
        self._running: dict[int, tuple[Outbox, asyncio.Task[None]]] = {}
        self._is_between = True

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Own these partitions and no other: to be called when their tables are recovered, before records arrive."""
        await self._hand_over(frozenset(self._running) - partitions)
        room = asyncio.Semaphore(_TAKEN_OVER_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for partition in sorted(partitions - frozenset(self._running)):
                group.create_task(self._take_over(partition, room))
        self._is_between = False

    async def release(self) -> None:
        """Hand all partitions over: at every rebalance and stop, since nobody knows yet which of them come back."""
        self._is_between = True
        await self._hand_over(frozenset(self._running))

    async def take(self, incoming: Mapping[int, Sequence[Incoming]]) -> None:
        """Give each partition's owner what came in; return once it is in its log.

        HandingOverError while the partitions are being handed over; BrokenInvariantError for one that was never taken.
        """
        missing = sorted(frozenset(incoming) - frozenset(self._running))
        if missing and self._is_between:
            raise HandingOverError
        if missing:
            raise BrokenInvariantError(f"records of partitions {missing}, which have no owner here")
        await asyncio.gather(*(self._running[partition][0].take(inputs) for partition, inputs in incoming.items()))

    async def _take_over(self, partition: int, room: asyncio.Semaphore) -> None:
        async with room:
            outbox = Outbox(partition, self._around)
            await outbox.recover()
        task = asyncio.create_task(outbox.run(), name=f"outbox-{partition}")
        task.add_done_callback(self._watch)
        self._running[partition] = outbox, task

    async def _hand_over(self, partitions: frozenset[int]) -> None:
        leaving = [self._running.pop(partition) for partition in sorted(partitions)]
        await asyncio.gather(*(self._close(outbox, task) for outbox, task in leaving))

    async def _close(self, outbox: Outbox, task: asyncio.Task[None]) -> None:
        closing = asyncio.ensure_future(outbox.close(self._grace))
        await asyncio.wait({task}, timeout=self._grace + _SLACK)
        task.cancel()
        await asyncio.wait({task, closing})

    def _watch(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._fatal(error)
