"""The one owner of a partition's commands: a mailbox, a log that is written before it acts, and requests under way."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from streams import failpoints
from streams.runtime.errors import HandingOverError, OwnershipLostError
from streams.sending.book import Book
from streams.sending.desk import Desk, Incoming, line_of
from streams.sending.dispatch import Dispatch
from streams.sending.draft import Draft
from streams.sending.gates import ChannelBounds, Gates
from streams.sending.inputs import Answer, Orphan, Withdrawn
from streams.sending.latecomers import Begun
from streams.sending.mailbox import Answered, AttemptKey, Close, Delivered, Letter, Mailbox, Nudge, Told
from streams.sending.matching import Matching
from streams.sending.muting import Muting
from streams.sending.parking import Parking, news_in_fact
from streams.sending.recall import recalled
from streams.sending.requests import make_request
from streams.sending.surroundings import Surroundings
from streams.sending.wakeups import Wakeups

log = structlog.get_logger()


class _Request(NamedTuple):
    """A request under way: its attempt is in the log, and its answer is not."""

    begun: Begun
    answer: asyncio.Future[Answer]


class Outbox:
    """Owns the commands of one partition: `await recover()`, then `run()` as a task, then `await close(...)`.

    Whatever happens goes through one mailbox. A step takes all that waits there, appends its facts to the log, waits
    until they are acknowledged, and only then lets requests leave and inputs go. The table follows behind. An error
    ends `run` and with it the ownership: what was taken and not acknowledged comes again. So does a log that somebody
    else has claimed: nothing more is written then, and what is still to be answered is told as evidence by `close`.
    """

    def __init__(self, partition: int, around: Surroundings) -> None:
        self._partition = partition
        self._around = around
        bounds = ChannelBounds(around.channels)
        self._book = Book(partition, around.table, bounds.is_paced)
        self._dispatch = Dispatch(around.slots, around.per_channel, self._nudge)
        self._mailbox = Mailbox()
        self._parking = Parking(lambda: around.breaker.is_open)
        gates = Gates(bounds, self._book.ledger)
        self._muting = Muting(self._book, around.mute_for, around.tell_mute)
        matching = Matching(self._book, around.windows)
        self._desk = Desk(self._dispatch, matching, gates, self._parking, self._muting)
        self._wakeups = Wakeups(around, self._parking, self._nudge, lambda news: self._mailbox.put(Told(news)))
        self._requests: dict[AttemptKey, _Request] = {}
        self._unsaved: list[Letter] = []
        self._learned = asyncio.Event()
        self._hurry = asyncio.Event()
        self._drained = asyncio.Event()
        self._ended = asyncio.Event()
        self._is_closing = False
        self._is_over = False
        self._is_lost = False

    async def recover(self) -> None:
        """Take the partition over: claim its log, fold it in, and put in doubt what the former owner had under way.

        In this order: what the former owner wrote before the claim is read, and after it, it can write nothing.
        """
        await self._around.log.claim(self._partition)
        failpoints.reach("sender.claimed")
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
            if news := news_in_fact(fact):
                self._parking.hear(news)
        failpoints.reach("sender.log_read")
        for key, _ in self._book.open_commands():
            draft.let(key, Orphan())
        self._desk.resume(draft)
        await self._append(draft)
        failpoints.reach("sender.taken_over")
        for key, delivery in self._book.open_commands():
            if delivery.command:
                self._desk.restore(key, delivery, delivery.command)
                self._wakeups.add(draft.now, key)
        self._nudge()
        log.info("partition_taken_over", partition=self._partition, read_from=start, in_doubt=len(draft.facts))

    async def take(self, inputs: Sequence[Incoming]) -> None:
        """Take commands and evidence; return once what follows from them is in the log.

        HandingOverError where the partition is handed over: they are for its next owner. Where it was lost before
        that, this waits until it is: a batch that is let go earlier would stand in the way of those behind it.
        """
        inputs = await recalled(self._book, self._around.log.read, inputs)
        if self._is_over and (self._is_closing or not self._is_lost):
            raise HandingOverError
        await self._mailbox.deliver(inputs)

    async def run(self) -> None:
        """Work until closed; OwnershipLostError where somebody else claimed the log, any other error was unforeseen."""
        lost: OwnershipLostError | None = None
        self._wakeups.start()
        try:
            async with asyncio.TaskGroup() as group:
                saving = group.create_task(self._keep_table())
                try:
                    await self._work()
                except OwnershipLostError as error:
                    lost = error
                    saving.cancel()
                self._is_over = True
                self._learned.set()
                self._hurry.set()
        finally:
            self._is_over, self._is_lost = True, lost is not None
            try:
                await self._around.log.let_go(self._partition)
            finally:
                self._end()
        if lost is None:
            return
        log.warning("ownership_lost", partition=self._partition, error=str(lost), unsettled=len(self._requests))
        if not self._is_closing:
            raise lost

    async def _work(self) -> None:
        while True:
            letters = await self._mailbox.take()
            await self._step(letters)
            if any(isinstance(letter, Close) for letter in letters):
                return

    def start_nothing_more(self) -> None:
        """Let no new request leave: what is due stays due for the next owner."""
        self._is_closing = True
        if self._is_lost:
            self._mailbox.give_back(HandingOverError())

    async def close(self, grace: float) -> None:
        """Hand the partition over: start nothing more, wait `grace` seconds for answers, write the snapshot, end.

        What is not answered by then, or cannot be written any more, is told as evidence once it is there.
        """
        self.start_nothing_more()
        failpoints.reach("sender.handing_over")
        deadline = self._around.clock.now() + timedelta(seconds=grace)
        if not self._dispatch.is_idle:
            await self._until(deadline, self._drained.wait())
        self._mailbox.put(Close())
        await self._ended.wait()
        if late := [self._around.latecomers.expect(*request) for request in self._requests.values()]:
            await self._until(deadline, asyncio.wait(late))
        failpoints.reach("sender.handed_over")

    async def _until(self, deadline: datetime, work: Coroutine[Any, Any, object]) -> None:
        """Wait for work, not longer than to a deadline."""
        waiting = asyncio.create_task(work)
        over = asyncio.Event()
        call = self._around.clock.call_at(deadline, over.set)
        passing = asyncio.create_task(over.wait())
        try:
            await asyncio.wait({waiting, passing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            call.cancel()
            for task in (waiting, passing):
                task.cancel()

    async def _step(self, letters: Sequence[Letter]) -> None:
        failpoints.reach("sender.letters_taken")
        draft = self._draft()
        answered = {
            letter.attempt: self._requests[letter.attempt] for letter in letters if isinstance(letter, Answered)
        }
        for letter in letters:
            match letter:
                case Delivered(inputs):
                    self._desk.absorb(draft, inputs)
                case Answered(place):
                    begun, answer = answered[place]
                    self._desk.answered(draft, place.command, line_of(begun.command), await answer)
                case Told(news):
                    self._desk.hear(news)
        self._desk.wake(draft, self._wakeups.due_commands(draft.now))
        self._desk.look_again(self._wakeups.due_lanes(draft.now))
        may_start = not self._is_closing and self._around.lease.is_member()
        if may_start:
            self._desk.start(draft)
        sends = {
            AttemptKey(key, attempt): Begun(delivery.command, attempt, draft.now)
            for key, attempt in draft.sends
            if (delivery := draft.get(key)) and delivery.command
        }
        since = self._around.lease.now()
        try:
            await self._append(draft)
        except OwnershipLostError:
            self._requests |= {place: _Request(begun, _withdrawn(begun)) for place, begun in sends.items()}
            raise
        if sends:
            failpoints.reach("sender.attempt_acknowledged")
        for place in answered:
            del self._requests[place]
        for place, begun in sends.items():
            self._requests[place] = self._request(place, begun, since)
        self._wakeups.set(draft.now)
        if may_start and self._parking.is_behind:
            self._nudge()
        if draft.keeps:  # what only the table will have is safe once it is saved
            self._unsaved += letters
            self._learned.set()
            self._hurry.set()
        else:
            self._mailbox.let_go(letters)
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
        self._wakeups.plan(draft)

    def _request(self, place: AttemptKey, begun: Begun, since: float) -> _Request:
        """Start a request whose attempt is in the log; `since` is when it began to be written there."""

        def may_leave() -> bool:
            return not self._is_closing and not self._is_over and self._around.lease.holds(since)

        answer = asyncio.create_task(make_request(self._around, begun, may_leave, self._muting.reason))
        answer.add_done_callback(lambda _: self._mailbox.put(Answered(place)))
        return _Request(begun, answer)

    async def _keep_table(self) -> None:
        """Let the snapshot follow what is learned, until nothing more will be.

        Not step by step: most commands are taken, tried and answered within a moment, which makes one entry then.
        """
        while not self._is_over:
            await self._learned.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), self._around.snapshot_lag)
            self._learned.clear()
            self._hurry.clear()
            await self._save()
            failpoints.reach("sender.snapshot_written")
        await self._save()

    async def _save(self) -> None:
        """Write the snapshot, and let go what waited for it."""
        saved, self._unsaved = self._unsaved, []
        await self._book.save()
        self._mailbox.let_go(saved)

    def _end(self) -> None:
        self._wakeups.stop()
        self._dispatch.stop()
        self._book.states.clear()
        self._drained.set()
        self._ended.set()
        if not self._is_lost or self._is_closing:
            self._mailbox.give_back(HandingOverError())

    def _draft(self) -> Draft:
        return Draft(self._book, self._around.clock.now(), self._around.schedule)

    def _nudge(self) -> None:
        self._mailbox.put(Nudge())


def _withdrawn(begun: Begun) -> asyncio.Future[Answer]:
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    answer.set_result(Withdrawn(begun.attempt))
    return answer
