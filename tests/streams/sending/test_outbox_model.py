"""Random lives of an outbox: commands, answers, acks, time, crashes with snapshots of any age, and hand-overs.

Its channel and the gateway go away and come back at any time, and some commands have a pace.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.commands import Command, Policy
from schemas.deliveries import AckStatus, EvidenceKind, FactKind, Status
from streams.sending.inputs import Answer, NotSent, Refused, Replay, Sent, Unclear
from streams.sending.trouble import Sign
from tests.streams.sending.world import PARTITION, Request, World, ack, command, seconds, settle

RESTING = frozenset(Status) - {Status.QUEUED, Status.ATTEMPTING, Status.RETRYING, Status.PARKED}
PACE = {"every_seconds": 20}


class OutboxModel(RuleBasedStateMachine):
    """What must be true: a message leaves twice only where its policy allows it, in order, and every command ends."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.taken: dict[str, Command] = {}
        self.replayed: set[str] = set()
        self.snapshots: list[dict[int, dict[bytes, bytes]]] = []
        self.lost: set[Request] = set()
        self.seen = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        self.runner.run(work)
        self.snapshots.append({partition: dict(data) for partition, data in self.world.table.data.items()})

    @initialize()
    def first_owner(self) -> None:
        self.world = self.runner.run(self._first())

    async def _first(self) -> World:
        return await World(slots=3, per_channel=2).start()

    @rule(
        contact=st.sampled_from(["1", "2"]),
        policy=st.sampled_from(Policy),
        not_before=st.sampled_from([None, 10]),
        expires=st.sampled_from([None, 40, 300]),
        pace=st.sampled_from([None, None, PACE]),
        is_replay=st.sampled_from([False, False, False, True]),
    )
    def take(
        self,
        contact: str,
        policy: Policy,
        not_before: int | None,
        expires: int | None,
        pace: dict[str, Any] | None,
        *,
        is_replay: bool,
    ) -> None:
        now = self.world.clock.now()
        new = command(
            str(len(self.taken)),
            contact=contact,
            policy=policy,
            not_before=now + seconds(not_before) if not_before else None,
            expires_at=now + seconds(expires) if expires else None,
            pace=pace,
            rule_id="paced" if pace else None,
        )
        self.taken[new.command_id] = new
        if is_replay:
            self.replayed.add(new.command_id)
        self.run(self.world.take(Replay(new) if is_replay else new))

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def take_again(self, data: st.DataObject) -> None:
        self.run(self.world.take(data.draw(st.sampled_from(list(self.taken.values())))))

    @precondition(lambda self: self.world.open_requests)
    @rule(data=st.data(), kind=st.sampled_from(["sent", "named", "not_sent", "down", "later", "refused", "unclear"]))
    def answer(self, data: st.DataObject, kind: str) -> None:
        request = data.draw(st.sampled_from(self.world.open_requests))
        attempt = request.attempt
        answers: dict[str, Answer] = {
            "sent": Sent(attempt),
            "named": Sent(attempt, message_id(request)),
            "not_sent": NotSent(attempt, "connect_refused"),
            "down": NotSent(attempt, "channel_down"),
            "later": NotSent(attempt, "http_429", retry_after=50),
            "refused": Refused(attempt, "http_422"),
            "unclear": Unclear(attempt, "read_timeout"),
        }
        self.run(request.reply(answers[kind]))

    @precondition(lambda self: self.world.requests)
    @rule(data=st.data(), status=st.sampled_from(AckStatus), has_channel=st.booleans(), is_exact=st.booleans())
    def hear(self, data: st.DataObject, status: AckStatus, *, has_channel: bool, is_exact: bool) -> None:
        request = data.draw(st.sampled_from(self.world.requests))
        fields: dict[str, Any] = {"received_at": self.world.clock.now(), "at": self.world.clock.now()}
        if not has_channel:
            fields["channel"] = None
        if is_exact:
            fields["command_id"] = request.command.command_id
        self.run(self.world.take(ack(message_id(request), status, **fields)))

    @rule(word=st.sampled_from(["connected", "disconnected"]), age=st.sampled_from([0, 5, 100]))
    def tell(self, word: str, age: int) -> None:
        at = self.world.clock.now() - seconds(age)
        told = ack(None, kind=EvidenceKind.CHANNEL_STATE, channel_state=word, at=at, received_at=at)
        self.run(self.world.take(told))

    @rule(sign=st.sampled_from(Sign), state=st.sampled_from([None, "connected", "disconnected"]))
    def change_the_gateway(self, sign: Sign, state: str | None) -> None:
        self.world.sign, self.world.states["Canal Um"] = sign, state

    @rule(count=st.sampled_from([1, 10, 60, 130]))
    def wait(self, count: int) -> None:
        self.run(self.world.clock.advance(count))

    @rule(data=st.data(), snapshot=st.sampled_from(["kept", "old", "gone"]))
    def crash(self, data: st.DataObject, snapshot: str) -> None:
        self.lost |= set(self.world.open_requests)
        self.run(self._restart(data, snapshot))

    async def _restart(self, data: st.DataObject, snapshot: str) -> None:
        await self.world.crash()
        if snapshot == "old" and self.snapshots:
            self.world.table.data = data.draw(st.sampled_from(self.snapshots))
        if snapshot == "gone":
            self.world.table.data = {}
        await self.world.start()

    @rule()
    def hand_over(self) -> None:
        self.lost |= set(self.world.open_requests)
        self.run(self._hand_over())

    async def _hand_over(self) -> None:
        closing = asyncio.create_task(self.world.outbox.close(5))
        await settle()
        await self.world.clock.advance(5)
        await closing
        await self.world.task
        await self.world.start()

    @invariant()
    def a_message_leaves_twice_only_where_its_policy_allows_it(self) -> None:
        may_have_arrived: Counter[str] = Counter()
        for request in self.world.requests:
            is_open = not request.answer.done()
            is_lost = request in self.lost or request.answer.cancelled()
            if is_open or is_lost or isinstance(request.answer.result(), Sent | Unclear):
                may_have_arrived[request.command.command_id] += 1
        for command_id, count in may_have_arrived.items():
            allowed = 2 if self.taken[command_id].policy is Policy.AT_LEAST_ONCE else 1
            assert count <= allowed
        assert not self.replayed & set(may_have_arrived)

    @invariant()
    def a_contact_has_one_request_under_way(self) -> None:
        contacts = Counter(request.command.contact for request in self.world.open_requests)
        assert all(count == 1 for count in contacts.values())

    @invariant()
    def each_request_was_recorded_first_and_passed_nobody(self) -> None:
        facts = self.world.log.facts.get(PARTITION, [])
        for request in self.world.requests[self.seen :]:
            started = [(fact.command_id, fact.attempt) for fact in facts if fact.fact is FactKind.ATTEMPT_STARTED]
            assert (request.command.command_id, request.attempt) in started
        self.seen = len(self.world.requests)
        for request in self.world.open_requests:
            earlier = [other for other in self.taken.values() if other.contact == request.command.contact]
            for other in earlier[: earlier.index(request.command)]:
                status = self.world.status(other)
                assert status is not Status.ATTEMPTING
                assert (
                    status is not Status.RETRYING or other.pace
                )  # due, it waits for its pace and holds up nobody else
                has_a_time_of_its_own = other.pace or other.not_before  # it may have come after the request left
                assert status is not Status.PARKED or has_a_time_of_its_own

    @invariant()
    def a_pace_is_kept_whoever_owns_the_partition(self) -> None:
        paced = {each.command_id for each in self.taken.values() if each.pace}
        facts = self.world.log.facts.get(PARTITION, [])
        starts = [fact.at for fact in facts if fact.fact is FactKind.ATTEMPT_STARTED and fact.command_id in paced]
        assert all(later - earlier >= seconds(20) for earlier, later in itertools.pairwise(starts))

    @invariant()
    def each_fact_names_the_status_after_it(self) -> None:
        for each in self.taken.values():
            assert self.world.status(each)

    def teardown(self) -> None:
        self.runner.run(self._let_all_end())
        self.a_message_leaves_twice_only_where_its_policy_allows_it()
        assert {self.world.status(each) for each in self.taken.values()} <= RESTING
        self.runner.close()

    async def _let_all_end(self) -> None:
        self.world.sign, self.world.states["Canal Um"] = Sign.THERE, "connected"
        for _ in range(3 * len(self.taken) + 3):
            for request in self.world.open_requests:
                await request.reply(Sent(request.attempt))
            await self.world.clock.advance(150)
        await self.world.crash()


def message_id(request: Request) -> str:
    """The id that the gateway would give the message of a request."""
    return f"true_5547999990001@c.us_{request.command.command_id[:8]}{request.attempt}"


TestOutboxModel = OutboxModel.TestCase
TestOutboxModel.settings = settings(stateful_step_count=40)
