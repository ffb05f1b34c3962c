"""Random lives of several owners of one partition: who stands still and wakes, is replaced, hands over, hears late."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas.commands import Command, Policy
from schemas.deliveries import DeliveryFact, Evidence, Status
from schemas.events import Coordinates
from streams.deliveries import fold
from streams.runtime.errors import HandingOverError, OwnershipLostError
from streams.sending.desk import Found
from streams.sending.inputs import Answer, NotSent, Sent, Take, Unclear
from tests.streams.sending.world import PARTITION, Call, Clock, Log, Request, Table, World, command, settle

RESTING = frozenset(Status) - {Status.QUEUED, Status.ATTEMPTING, Status.RETRYING, Status.PARKED}


class Partition:
    """What Kafka holds of the partition: its facts, and how often it was claimed."""

    def __init__(self) -> None:
        self.facts: list[DeliveryFact] = []
        self.claims = 0


class ClaimedLog(Log):
    """The log as one process writes it; the process can stand still before a write and after its acknowledgement."""

    def __init__(self, shared: Partition) -> None:
        super().__init__()
        self.shared = shared
        self.claim_number = 0
        self.before = _open()
        self.after = _open()
        self.loses_acknowledgement = False

    async def claim(self, partition: int) -> None:
        self.shared.claims += 1
        self.claim_number = self.shared.claims

    async def append(self, partition: int, facts: Sequence[DeliveryFact]) -> Sequence[int]:
        facts = list(facts)
        await self.before.wait()
        self._check()
        first = len(self.shared.facts)
        self.shared.facts += facts
        await self.after.wait()
        if self.loses_acknowledgement:  # it was written, but how should it know
            self._check()
        return range(first, first + len(facts))

    async def read(self, partition: int, start: int) -> AsyncIterator[tuple[int, DeliveryFact]]:
        for offset, fact in enumerate(list(self.shared.facts)):
            if offset >= start:
                yield offset, fact

    def _check(self) -> None:
        if self.claim_number != self.shared.claims:
            raise OwnershipLostError("claimed by another")


class OwnClock(Clock):
    """The time of a machine of its own: no two are alike to the microsecond."""

    def __init__(self, base: Clock, number: int) -> None:
        super().__init__()
        self._base = base
        self._skew = timedelta(microseconds=number)

    def now(self) -> datetime:
        return self._base.now() + self._skew

    def call_at(self, moment: datetime, callback: Callable[[], None]) -> Call:
        return self._base.call_at(moment, callback)

    @property
    def time(self) -> datetime:
        return self._base.time

    @time.setter
    def time(self, value: datetime) -> None:
        """Set by nobody but the base."""


class Process(World):
    """A worker; it can stand still between its last look and the request as well."""

    def __init__(self, shared: Partition, table: Table, clock: Clock) -> None:
        self.own = ClaimedLog(shared)
        self.leaving = _open()
        super().__init__(log=self.own, table=table, clock=clock, slots=3, per_channel=2)

    @property
    def places(self) -> tuple[asyncio.Event, ...]:
        """Where it can stand still."""
        return self.own.before, self.own.after, self.leaving

    async def _carry(self, channel_id: str, asked: Command, attempt: int) -> Answer:
        await self.leaving.wait()
        return await super()._carry(channel_id, asked, attempt)


class OwnersModel(RuleBasedStateMachine):
    """No message leaves twice unless its policy allows it, whoever owns the partition, and every command ends."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.shared = Partition()
        self.table = Table()
        self.processes: list[Process] = []
        self.taken: dict[str, Command] = {}
        self.work: set[asyncio.Task[Any]] = set()
        self.runner.run(self._take_over())

    @property
    def owner(self) -> Process:
        return self.processes[-1]

    async def _take_over(self) -> None:
        """Somebody else gets the partition, and with it all that was not acknowledged, and what was as well."""
        process = Process(self.shared, self.table, OwnClock(self.clock, len(self.processes)))
        await process.start()
        self.processes.append(process)
        process.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        await self._give(*map(Take, self.taken.values()))

    async def _give(self, *inputs: Take | Found) -> None:
        self._spawn(self.owner.outbox.take(inputs))
        await settle()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self.work.add(task)
        task.add_done_callback(_let_be)

    @rule(contact=st.sampled_from(["1", "2"]), policy=st.sampled_from(Policy))
    def take(self, contact: str, policy: Policy) -> None:
        new = command(str(len(self.taken)), contact=contact, policy=policy)
        self.taken[new.command_id] = new
        self.runner.run(self._give(Take(new)))

    @rule(place=st.integers(0, 2), loses=st.booleans())
    def stand_still(self, place: int, *, loses: bool) -> None:
        self.owner.places[place].clear()
        self.owner.own.loses_acknowledgement = loses

    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        self.runner.run(self._wake(data.draw(st.sampled_from(self.processes))))

    async def _wake(self, process: Process) -> None:
        for place in process.places:
            place.set()
        await settle()

    @rule()
    def replace(self) -> None:
        """Its session is over, and it does not know yet."""
        self.runner.run(self._take_over())

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """One that was replaced gets to know, or the owner hands over."""
        self.runner.run(self._end(data.draw(st.sampled_from(self.processes))))

    async def _end(self, process: Process) -> None:
        self._spawn(process.outbox.close(5))
        await settle()
        if process is self.owner:
            await self.clock.advance(5)
            await self._take_over()

    @precondition(lambda self: self._unanswered())
    @rule(data=st.data(), kind=st.sampled_from(["sent", "not_sent", "unclear"]))
    def answer(self, data: st.DataObject, kind: str) -> None:
        request = data.draw(st.sampled_from(self._unanswered()))
        answers: dict[str, Answer] = {
            "sent": Sent(request.attempt),
            "not_sent": NotSent(request.attempt, "connect_refused"),
            "unclear": Unclear(request.attempt, "read_timeout"),
        }
        self.runner.run(request.reply(answers[kind]))

    @precondition(lambda self: self._told())
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        self.runner.run(self._give(_found(data.draw(st.sampled_from(self._told())))))

    @rule(count=st.sampled_from([1, 10, 130]))
    def wait(self, count: int) -> None:
        self.runner.run(self.clock.advance(count))

    def _unanswered(self) -> list[Request]:
        return [each for process in self.processes for each in process.requests if not each.answer.done()]

    def _told(self) -> list[Evidence]:
        return [evidence for process in self.processes for evidence in process.told]

    @invariant()
    def a_message_leaves_twice_only_where_its_policy_allows_it(self) -> None:
        may_have_arrived: Counter[str] = Counter()
        for process in self.processes:
            for request in process.requests:
                if not request.answer.done() or isinstance(request.answer.result(), Sent | Unclear):
                    may_have_arrived[request.command.command_id] += 1
        for command_id, count in may_have_arrived.items():
            assert count <= (2 if self.taken[command_id].policy is Policy.AT_LEAST_ONCE else 1)

    def teardown(self) -> None:
        self.runner.run(self._let_all_end())
        self.a_message_leaves_twice_only_where_its_policy_allows_it()
        self.runner.close()

    async def _let_all_end(self) -> None:
        for process in self.processes:
            await self._wake(process)
        for process in self.processes[:-1]:
            self._spawn(process.outbox.close(5))
        for _ in range(3 * len(self.taken) + 3):
            for request in self._unanswered():
                await request.reply(Sent(request.attempt))
            await self._give(*map(_found, self._told()))
            await self.clock.advance(150)
        of = {each: [fact for fact in self.shared.facts if fact.command_id == each] for each in self.taken}
        assert {fold(facts).status for facts in of.values()} <= RESTING


def _found(evidence: Evidence) -> Found:
    return Found(evidence, Coordinates("delivery.evidence", PARTITION, 7))


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def _let_be(task: asyncio.Task[Any]) -> None:
    """What was given to an owner that is over comes again; any other error is one."""
    if not task.cancelled() and (error := task.exception()) and not isinstance(error, HandingOverError):
        raise error


TestOwnersModel = OwnersModel.TestCase
TestOwnersModel.settings = settings(stateful_step_count=40)
