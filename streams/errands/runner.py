"""The one owner of a partition's errands: does what is due, and says what came of it before it forgets."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

import msgspec
import structlog

from streams.errands import metrics
from streams.errands.book import Book
from streams.errands.errand import Answer, Emission, Errand, Errander, NotYet
from streams.errands.schedule import Schedule
from streams.partitions import partition_of
from streams.runtime.errors import HandingOverError
from streams.runtime.publisher import Out
from streams.sending.book import Table
from streams.sending.clock import Call, Clock
from streams.sending.dispatch import Dispatch, Line
from streams.sending.lanes import Lane
from streams.sending.slots import Slots

log = structlog.get_logger()

_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0
_LONGEST_SLEEP: Final = timedelta(seconds=30)  # after this, a wall clock that jumped is noticed


class Publisher(Protocol):
    """Writes records, each acknowledged by all in-sync replicas (`streams.runtime.Publisher`)."""

    async def partitions(self, topic: str) -> int: ...

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the runners of one kind of errands share.

    `per_channel` bounds the tries of a channel that are under way, `slots` those of all. An error of a class in
    `transient` is waited out: it is no try.
    """

    kind: str
    errander: Errander
    table: Table
    publisher: Publisher
    clock: Clock
    slots: Slots
    per_channel: int
    schedule: Schedule
    transient: tuple[type[Exception], ...] = ()


class Runner:
    """Owns the errands of one partition: `await recover()`, then `run()` as a task, then `await close(...)`.

    An errand is in the table before the record that brought it is let go, and its outcome is published before it
    leaves the table. So after a crash one may be done twice, and none is left undone.
    """

    def __init__(self, partition: int, around: Surroundings) -> None:
        self._partition = partition
        self._around = around
        self._book = Book(partition, around.table)
        self._dispatch = Dispatch(around.slots, around.per_channel, self._nudge)
        self._offered: dict[Line, Errand] = {}
        self._trying: set[asyncio.Task[Answer]] = set()
        self._nudged = asyncio.Event()
        self._ended = asyncio.Event()
        self._is_closing = False
        self._waiting = metrics.WAITING.labels(around.kind)

    async def recover(self) -> None:
        """Take over what the former owner left undone."""
        self._waiting.inc(len(self._book))
        log.info("errands_taken_over", kind=self._around.kind, partition=self._partition, errands=len(self._book))
        for key in self._book.unreadable:
            log.error("errand_unreadable", kind=self._around.kind, partition=self._partition, errand=key.hex())

    async def take(self, inputs: Sequence[Errand]) -> None:
        """Take errands; return once they are safe. HandingOverError where they are for the next owner."""
        if self._ended.is_set():
            raise HandingOverError
        self._waiting.inc(await self._book.take(inputs))
        self._nudge()

    async def run(self) -> None:
        """Do what is due until closed; an error that nobody foresaw ends it."""
        try:
            async with asyncio.TaskGroup() as group:
                while not self._is_closing:
                    self._nudged.clear()
                    self._start_due(group)
                    alarm = self._set_alarm()
                    try:
                        await self._nudged.wait()
                    finally:
                        alarm.cancel()
        finally:
            self._dispatch.stop()
            self._waiting.dec(len(self._book))
            self._ended.set()

    def start_nothing_more(self) -> None:
        """What is due stays due for the next owner."""
        self._is_closing = True
        self._nudge()

    async def close(self, grace: float) -> None:
        """Hand the partition over, without a wait: tries that are under way are let go, and made again."""
        self.start_nothing_more()
        for attempt in self._trying:
            attempt.cancel()
        await self._ended.wait()

    def _start_due(self, group: asyncio.TaskGroup) -> None:
        for errand in self._book.due(self._around.clock.now()):
            line = Line(errand.channel, errand.id.hex())  # each in a line of its own: none waits for another
            self._offered[line] = errand
            self._dispatch.offer(line, Lane(line.channel))
        while (place := self._dispatch.take()) is not None:
            group.create_task(self._do(self._offered.pop(place.line), place.line))

    async def _do(self, errand: Errand, line: Line) -> None:
        attempt = asyncio.ensure_future(self._attempt(errand))
        self._trying.add(attempt)
        attempt.add_done_callback(self._trying.discard)
        try:
            await asyncio.wait({attempt})
        finally:
            attempt.cancel()
        if not attempt.cancelled():
            await self._settle(msgspec.structs.replace(errand, attempts=errand.attempts + 1), attempt.result())
        self._dispatch.done(line)
        self._nudge()

    async def _attempt(self, errand: Errand) -> Answer:
        wait = _FIRST_WAIT
        while True:
            began = self._around.clock.now()
            try:
                answer = await self._around.errander.attempt(errand)
            except self._around.transient as error:
                log.warning("errand_waits", kind=self._around.kind, error=str(error), wait_seconds=wait)
                await self._pause(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            except Exception as error:
                log.exception("errand_raised", kind=self._around.kind, errand=errand.id.hex())
                answer = NotYet(f"unexpected_error: {type(error).__name__}")
            log.info(
                "errand",
                kind=self._around.kind,
                errand=errand.id.hex(),
                trace_id=errand.trace_id,
                channel=errand.channel,
                attempt=errand.attempts + 1,
                answer=type(answer).__name__,
                reason=answer.reason,
                seconds=(self._around.clock.now() - began).total_seconds(),
            )
            return answer

    async def _settle(self, errand: Errand, answer: Answer) -> None:
        """Let an answer count. (`errand` with the try that brought it.)"""
        if isinstance(answer, NotYet):
            now = self._around.clock.now()
            due = self._around.schedule.next_due(now, errand.attempts, answer.retry_after)
            if due is not None:
                self._count("not_yet")
                await self._publish(answer.emissions)
                await self._book.put_off(msgspec.structs.replace(errand, due=due))
                return
            self._count("given_up")
            try:
                answer = self._around.errander.give_up(errand, answer.reason)
            except Exception:
                log.exception("errand_left", kind=self._around.kind, errand=errand.id.hex(), trace_id=errand.trace_id)
                self._book.leave(errand)
                self._waiting.dec()
                return
        else:
            self._count("done")
        await self._publish(answer.emissions)
        await self._book.forget(errand)
        self._waiting.dec()

    async def _publish(self, emissions: Sequence[Emission]) -> None:
        outs: defaultdict[tuple[str, int], list[Out]] = defaultdict(list)
        for topic, key, value, headers in emissions:
            place = topic, partition_of(key, await self._around.publisher.partitions(topic))
            outs[place].append(Out(key, value, headers))
        await self._around.publisher.publish(outs)

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        call = self._around.clock.call_at(self._around.clock.now() + timedelta(seconds=seconds), over.set)
        try:
            await over.wait()
        finally:
            call.cancel()

    def _set_alarm(self) -> Call:
        """Look again when the next errand is due, or early where that is far away."""
        longest = self._around.clock.now() + _LONGEST_SLEEP
        return self._around.clock.call_at(min(self._book.next_due or longest, longest), self._nudge)

    def _count(self, answer: str) -> None:
        metrics.ATTEMPTS.labels(self._around.kind, answer).inc()

    def _nudge(self) -> None:
        self._nudged.set()
