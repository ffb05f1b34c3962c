"""The one owner of a partition's commands: a mailbox, a log that is written before it acts, and requests under way."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

import structlog

from schemas.commands import Command
from schemas.configuration import Channel
from streams import failpoints
from streams.runtime.errors import HandingOverError
from streams.sending.book import Book, CommandKey
from streams.sending.clock import Alarms
from streams.sending.desk import Desk, Incoming, line_of
from streams.sending.dispatch import Dispatch, Line
from streams.sending.draft import Draft
from streams.sending.inputs import Answer, Orphan, Withdrawn
from streams.sending.look import look
from streams.sending.matching import Matching
from streams.sending.surroundings import Surroundings

log = structlog.get_logger()

_MOST_AT_ONCE: Final = 200  # inputs a step; more would keep the event loop for too long


@dataclass(frozen=True, slots=True)
class _Delivered:
    inputs: Sequence[Incoming]
    logged: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Answered:
    key: CommandKey
    answer: Answer


class _Nudge:
    """A moment has come, or a slot has become free."""


class _Close:
    """Nothing is to be done after this."""


_Letter: TypeAlias = _Delivered | _Answered | _Nudge | _Close


class Outbox:
    """Owns the commands of one partition: `await recover()`, then `run()` as a task, then `await close(...)`.

    Whatever happens goes through one mailbox. A step takes all that waits there, appends its facts to the log, waits
    until they are acknowledged, and only then lets requests leave and inputs go. The table follows behind. An error
    ends `run` and with it the ownership: what was taken and not acknowledged comes again.
    """

    def __init__(self, partition: int, around: Surroundings) -> None:
        self._partition = partition
        self._around = around
        self._book = Book(partition, around.table)
        self._dispatch = Dispatch(around.slots, around.per_channel, self._nudge)
        self._desk = Desk(self._dispatch, Matching(around.schedule.uncertain_wait))
        self._alarms = Alarms(around.clock, self._nudge)
        self._mailbox: asyncio.Queue[_Letter] = asyncio.Queue()
        self._unlogged: set[asyncio.Future[None]] = set()
        self._requests: dict[CommandKey, tuple[Line, asyncio.Task[None]]] = {}
        self._learned = asyncio.Event()
        self._drained = asyncio.Event()
        self._ended = asyncio.Event()
        self._is_closing = False
        self._is_over = False

    async def recover(self) -> None:
        """Take the partition over: claim its log, fold it in, and put in doubt what the former owner had under way.

        In this order: what the former owner wrote before the claim is read, and after it, it can write nothing.
        """
        await self._around.log.claim(self._partition)
        try:
            await self._read_log()
        except BaseException:
            await self._around.log.let_go(self._partition)
            raise

    async def _read_log(self) -> None:
        draft = self._draft()
        start = self._book.replay_from(draft.now, draft.schedule)
        async for offset, fact in self._around.log.read(self._partition, start):
            self._book.learn(offset, fact)
        failpoints.reach("sender.log_read")
        for key, _ in self._book.open_commands():
            draft.let(key, Orphan())
        await self._append(draft)
        failpoints.reach("sender.taken_over")
        for key, delivery in self._book.open_commands():
            if delivery.command:
                self._desk.restore(key, delivery.command)
                self._alarms.add(draft.now, key)
        self._nudge()
        log.info("partition_taken_over", partition=self._partition, read_from=start, in_doubt=len(draft.facts))

    async def take(self, inputs: Sequence[Incoming]) -> None:
        """Take commands and evidence; return once what follows from them is in the log.

        HandingOverError where the partition is handed over: they are for its next owner.
        """
        if self._ended.is_set():
            raise HandingOverError
        loop = asyncio.get_running_loop()
        futures = []
        for start in range(0, len(inputs), _MOST_AT_ONCE):
            logged = loop.create_future()
            self._unlogged.add(logged)
            logged.add_done_callback(self._unlogged.discard)
            self._mailbox.put_nowait(_Delivered(inputs[start : start + _MOST_AT_ONCE], logged))
            futures.append(logged)
        await asyncio.gather(*futures)

    async def run(self) -> None:
        """Work until closed; an error that nobody foresaw ends it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_table())
                while not self._is_over:
                    letters = await self._letters()
                    await self._step(letters, group)
                    self._is_over = any(isinstance(letter, _Close) for letter in letters)
                self._learned.set()
                for _, request in self._requests.values():
                    request.cancel()
        finally:
            try:
                await self._around.log.let_go(self._partition)
            finally:
                self._end()

    def start_nothing_more(self) -> None:
        """Let no new request leave: what is due stays due for the next owner."""
        self._is_closing = True

    async def close(self, grace: float) -> None:
        """Hand the partition over: start nothing more, wait `grace` seconds for answers, write the snapshot, end.

        Requests that are still under way then are let go; the next owner finds their attempts open.
        """
        self.start_nothing_more()
        failpoints.reach("sender.handing_over")
        if not self._dispatch.is_idle:
            deadline = self._around.clock.now() + timedelta(seconds=grace)
            call = self._around.clock.call_at(deadline, self._drained.set)
            await self._drained.wait()
            call.cancel()
        self._mailbox.put_nowait(_Close())
        await self._ended.wait()
        failpoints.reach("sender.handed_over")

    async def _letters(self) -> list[_Letter]:
        """All that waits in the mailbox, up to the bound of a step; waits for the first."""
        letters = [await self._mailbox.get()]
        size = _size(letters[0])
        while size < _MOST_AT_ONCE and not self._mailbox.empty():
            letters.append(self._mailbox.get_nowait())
            size += _size(letters[-1])
        return letters

    async def _step(self, letters: Sequence[_Letter], group: asyncio.TaskGroup) -> None:
        failpoints.reach("sender.letters_taken")
        draft = self._draft()
        for letter in letters:
            match letter:
                case _Delivered(inputs):
                    self._desk.absorb(draft, inputs)
                case _Answered(key, answer):
                    line, _ = self._requests.pop(key)
                    self._desk.answered(draft, key, line, answer)
        self._desk.wake(draft, self._alarms.due(draft.now))
        if not self._is_closing:
            self._desk.start(draft)
        await self._append(draft)
        if draft.sends:
            failpoints.reach("sender.attempt_acknowledged")
        for key, attempt in draft.sends:
            delivery = draft.get(key)
            if delivery and delivery.command:
                request = group.create_task(self._request(key, delivery.command, attempt))
                self._requests[key] = line_of(delivery.command), request
        self._alarms.set()
        for letter in letters:
            if isinstance(letter, _Delivered) and not letter.logged.done():
                letter.logged.set_result(None)
        if self._is_closing and self._dispatch.is_idle:
            self._drained.set()

    async def _append(self, draft: Draft) -> None:
        """The log, then memory; the snapshot follows."""
        if draft.facts:
            offsets = await self._around.log.append(self._partition, draft.facts)
            failpoints.reach("sender.facts_appended")
            for offset, fact in zip(offsets, draft.facts, strict=True):
                self._book.learn(offset, fact)
            self._learned.set()
        for moment, key in draft.wakes:
            self._alarms.add(moment, key)

    async def _request(self, key: CommandKey, command: Command, attempt: int) -> None:
        """Make one request, unless a look right before it forbids that. (The owner's lease will be looked at here.)"""
        began = self._around.clock.now()
        channel = look(command, attempt, self._around.channels(command.channel), began)
        if self._is_closing:
            answer: Answer = Withdrawn(attempt)
        elif isinstance(channel, Channel):
            failpoints.reach("sender.before_request")
            answer = await self._around.carry(channel.channel_id, command, attempt)
            failpoints.reach("sender.answered")
        else:
            answer = channel
        self._mailbox.put_nowait(_Answered(key, answer))
        log.info(
            "attempt",
            command_id=command.command_id,
            event_id=command.event_id,
            trace_id=command.trace_id,
            tenant_id=command.tenant_id,
            channel=command.channel,
            attempt=attempt,
            answer=type(answer).__name__,
            reason=getattr(answer, "reason", None),
            seconds=(self._around.clock.now() - began).total_seconds(),
        )

    async def _keep_table(self) -> None:
        """Let the snapshot follow what is learned, until nothing more will be."""
        while not self._is_over:
            await self._learned.wait()
            self._learned.clear()
            await self._book.save()
            failpoints.reach("sender.snapshot_written")
        await self._book.save()

    def _end(self) -> None:
        self._alarms.stop()
        self._dispatch.stop()
        self._drained.set()
        self._ended.set()
        for logged in list(self._unlogged):
            if not logged.done():
                logged.set_exception(HandingOverError())

    def _draft(self) -> Draft:
        return Draft(self._book, self._around.clock.now(), self._around.schedule)

    def _nudge(self) -> None:
        self._mailbox.put_nowait(_Nudge())


def _size(letter: _Letter) -> int:
    return len(letter.inputs) if isinstance(letter, _Delivered) else 1
