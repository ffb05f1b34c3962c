"""Random lives of a partition's commands, each step held against a model of them.

Commands, attempts, answers in time and late, echoes, acks, operators, time, and owners that die and are followed by
another, with the snapshot or without.
"""

from collections import defaultdict
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas.commands import Policy
from schemas.deliveries import AckStatus, DeliveryFact, FactKind, OperatorDecision, Status
from schemas.events import Coordinates
from streams.sending import late_answers, operators_word
from streams.sending.book import Book, command_key
from streams.sending.desk import Desk, Found
from streams.sending.dispatch import Dispatch
from streams.sending.draft import Draft
from streams.sending.gates import ChannelBounds, Gates
from streams.sending.inputs import Answer, Input, NotSent, Orphan, Park, Refused, Sent, Start, Take, Unclear, Wake
from streams.sending.matching import Matching
from streams.sending.muting import Muting
from streams.sending.parking import Parking
from streams.sending.schedule import spread
from streams.sending.slots import Slots
from streams.sending.windows import Windows
from tests.streams.sending import model
from tests.streams.sending.world import CHANNEL, PARTITION, SCHEDULE, START, Table, ack, command, echo, seconds
from tests.support.properties import examples

MOST_LINES: Final = 80
LID: Final = "100000000000001@lid"
MOST_OPEN: Final = 3
WORDS: Final = [*OperatorDecision, OperatorDecision.RESEND, OperatorDecision.RESEND]
STEPS: Final = 100
LIVES: Final = 280
"""So many lives of so many steps: some 25,000 steps in the default profile, a million in `nightly`."""

CONTACTS: Final = ["554799990001", "554799990002"]
KINDS: Final = ["sent", "not_sent", "refused", "doubt"]


def answer_of(kind: str, attempt: int, message: str) -> Answer:
    """What the gateway says of an attempt."""
    match kind:
        case "sent":
            return Sent(attempt, message or None)
        case "not_sent":
            return NotSent(attempt, "connect_refused")
        case "refused":
            return Refused(attempt, "http_422")
        case _:
            return Unclear(attempt, "read_timeout")


def is_attempted(state: "SenderModel") -> bool:
    return any(message.attempts for message in state.known.values())


class SenderModel(RuleBasedStateMachine):
    """The book, the desk and the log of one partition, without the waiting in between."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.log: list[DeliveryFact] = []
        self.table = Table()
        self.known: dict[str, model.Message] = {}
        self.decisions: list[Found] = []
        self.offsets = count()
        self.owners: dict[str, str] = {}
        self.waiting: defaultdict[str, set[AckStatus]] = defaultdict(set)
        self.own()

    def own(self) -> None:
        """Take the partition over."""
        self.book = Book(PARTITION, self.table)
        dispatch = Dispatch(Slots(10), 4, lambda: None)
        gates = Gates(ChannelBounds(lambda _: CHANNEL), self.book.ledger)
        muting = Muting(self.book, seconds(3600), lambda _: None)
        self.desk = Desk(dispatch, Matching(self.book, Windows()), gates, Parking(lambda: False), muting)
        for offset in range(self.book.replay_from(self.now, SCHEDULE), len(self.log)):
            self.book.learn(offset, self.log[offset])
        draft = self.draft()
        for key, _ in self.book.open_commands():
            draft.let(key, Orphan())
        self.desk.resume(draft)
        self.write(draft)

    def draft(self) -> Draft:
        self.now += timedelta(milliseconds=1)  # no two things happen at once
        return Draft(self.book, self.now, SCHEDULE)

    def write(self, draft: Draft) -> None:
        """What a step decided, into the log, the book and the table."""
        for fact in draft.facts:
            self.book.learn(len(self.log), fact)
            self.log.append(fact)
        saving = self.book.save()
        try:
            saving.send(None)
        except StopIteration:
            return
        raise AssertionError("the table of the test makes nobody wait")

    def let(self, command_id: str, given: Input) -> Draft:
        draft = self.draft()
        draft.let(command_key(command_id), given)
        self.write(draft)
        return draft

    def hear(self, *found: Any) -> None:
        draft = self.draft()
        self.desk.absorb(draft, found)
        self.write(draft)

    def some(self, data: st.DataObject) -> tuple[str, model.Message]:
        return data.draw(st.sampled_from(list(self.known.items())))

    def some_attempted(self, data: st.DataObject) -> tuple[str, model.Message]:
        return data.draw(st.sampled_from([item for item in self.known.items() if item[1].attempts]))

    @precondition(lambda self: sum(is_open(message) for message in self.known.values()) < MOST_OPEN)
    @rule(
        contact=st.sampled_from(CONTACTS),
        text=st.sampled_from(["Olá", "Tchau"]),
        policy=st.sampled_from(Policy),
        expires=st.sampled_from([None, 60, 200]),
    )
    def take(self, contact: str, text: str, policy: Policy, expires: int | None) -> None:
        expires_at = self.now + seconds(expires) if expires else None
        name = str(len(self.known))
        new = command(name, contact=contact, text=text, policy=policy, expires_at=expires_at)
        self.known[new.command_id] = model.Message(new)
        self.hear(Take(new))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), is_other=st.booleans())
    def take_again(self, data: st.DataObject, *, is_other: bool) -> None:
        _, message = self.some(data)
        self.hear(Take(command(**_fields(message, text="Outra coisa") if is_other else _fields(message))))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.start_one(*self.some(data))

    @precondition(lambda self: any(message.is_due(self.now) for message in self.known.values()))
    @rule(data=st.data())
    def start_what_is_due(self, data: st.DataObject) -> None:
        due = [item for item in self.known.items() if item[1].is_due(self.now)]
        self.start_one(*data.draw(st.sampled_from(due)))

    def start_one(self, command_id: str, message: model.Message) -> None:
        is_due, is_over = message.is_due(self.now + timedelta(milliseconds=1)), self.is_over(message)
        sends = self.let(command_id, Start()).sends
        if is_over and is_waiting(message):
            message.is_expired = True
        assert bool(sends) == (is_due and not is_over)
        if sends:
            message.attempts.append(model.Attempt(self.now))
            message.is_parked = False

    @precondition(lambda self: self.known)
    @rule(data=st.data(), is_parked=st.booleans())
    def wake_or_park(self, data: st.DataObject, *, is_parked: bool) -> None:
        command_id, message = self.some(data)
        waits, is_over = is_waiting(message), self.is_over(message)
        self.let(command_id, Park("channel_down") if is_parked else Wake())
        message.is_expired |= waits and is_over
        message.is_parked |= waits and is_parked and not is_over

    @precondition(is_attempted)
    @rule(data=st.data(), kind=st.sampled_from(KINDS), names=st.sampled_from(["", "own", "foreign"]))
    def answer(self, data: st.DataObject, kind: str, names: str) -> None:
        command_id, message = self.some_attempted(data)
        number = data.draw(st.integers(1, len(message.attempts)))
        attempt = message.attempts[number - 1]
        is_over = attempt.end in ("not_sent", "given_up", "refused")
        if is_over:
            names = "own"  # the text may be let go by then: only an id can tell that it was sent after all
        named = data.draw(st.sampled_from([*self.owners])) if names == "foreign" and self.owners else ""
        named = named or (f"{command_id[:8].upper()}{number}" if names == "own" else "")
        if is_over and self.owners.get(named, command_id) != command_id:
            return
        answer = answer_of(kind, number, named)
        told = late_answers.evidence_of(message.command, answer, self.now, began=attempt.began)
        is_news = not any(fact.fact is FactKind.ANSWERED and fact.attempt == number for fact in self.facts(command_id))
        counted = number - self.forgiven(command_id)
        self.hear(Found(told, self.where()))
        if kind == "not_sent":
            retry_at = SCHEDULE.retry_at(self.now, counted, spread(command_id, number))
            kind = "not_sent" if retry_at else "given_up"
            attempt.retry_at = retry_at if retry_at and attempt.end in ("open", "doubt") else attempt.retry_at
        attempt.learn(kind, self.now)
        if kind == "sent" and is_news and named and self.owners.get(named, command_id) == command_id:
            self.name(command_id, attempt, named)

    @precondition(is_attempted)
    @rule(data=st.data(), earlier=st.sampled_from([0, 1, 40, 95, 140]), by=st.sampled_from(["phone", "lid", "nobody"]))
    def show(self, data: st.DataObject, earlier: int, by: str) -> None:
        command_id, message = self.some_attempted(data)
        named = data.draw(st.sampled_from([f"{command_id[:8].upper()}{number}" for number in (1, 2, 3)]))
        at = self.now - seconds(earlier)
        contact = {"phone": message.command.contact, "lid": LID, "nobody": "554799990009"}[by]
        told = echo(message.command, named, at=at, received_at=self.now, contact=contact)
        fitting = [
            (each.began, other, each)
            for other, known in self.known.items()
            for each in known.attempts
            if known.command.text == message.command.text and each.may_be_shown(at)
        ]
        if by != "lid":
            fitting = [found for found in fitting if self.known[found[1]].command.contact == contact]
        elif len(fitting) > 1 or any(each.end == "sent" for _, _, each in fitting):
            fitting = []
        self.hear(told)
        if named not in self.owners and fitting:
            _, shown, attempt = min(fitting, key=lambda found: found[0])
            self.name(shown, attempt, named)

    @precondition(is_attempted)
    @rule(data=st.data(), status=st.sampled_from(AckStatus), has_channel=st.booleans())
    def acknowledge(self, data: st.DataObject, status: AckStatus, *, has_channel: bool) -> None:
        command_id, _ = self.some_attempted(data)
        named = f"{command_id[:8].upper()}{data.draw(st.integers(1, 3))}"
        self.hear(ack(named, status, **({} if has_channel else {"channel": None})))
        if owner := self.owners.get(named):
            self.known[owner].acks.add(status)
        else:
            self.waiting[named].add(status)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), word=st.sampled_from(WORDS), is_stale=st.sampled_from([False, False, True]))
    def decide(self, data: st.DataObject, word: OperatorDecision, *, is_stale: bool) -> None:
        command_id, message = self.some(data)
        seen = max(len(message.attempts) - is_stale, 0)
        may = message.may_be_decided(word, seen, in_time=not self.is_over(message))
        delivery = self.book.get(command_key(command_id))
        assert delivery
        told = operators_word.evidence_of(delivery, word, "ana", "", self.now)
        told = type(told)(**{name: getattr(told, name) for name in told.__struct_fields__} | {"attempt": seen})
        found = Found(told, self.where(), message.command)
        self.hear(found)
        if may:
            self.decisions.append(found)
            message.word, message.said_at = word, self.now
            message.resent = len(message.attempts) if word is OperatorDecision.RESEND else message.resent

    @precondition(lambda self: self.decisions)
    @rule(data=st.data())
    def decide_again(self, data: st.DataObject) -> None:
        """After a crash a decision comes again, whatever came behind it: it has been weighed."""
        self.hear(data.draw(st.sampled_from(self.decisions)))

    @rule(passing=st.sampled_from([1, 10, 60, 130]))
    def wait(self, passing: int) -> None:
        self.now += seconds(passing)

    @rule(is_gone=st.sampled_from([False, False, True]))
    def follow(self, *, is_gone: bool) -> None:
        """The owner dies, and another one follows it."""
        if is_gone:
            self.table = Table()
            self.waiting.clear()
        self.own()
        for message in self.known.values():
            if message.status is Status.ATTEMPTING:
                message.attempts[-1].learn("doubt", self.now)

    @invariant()
    def the_sender_knows_what_the_model_knows(self) -> None:
        for command_id, message in self.known.items():
            delivery = self.book.get(command_key(command_id))
            assert delivery
            assert delivery.status is message.status, self.facts(command_id)
            assert delivery.attempts == len(message.attempts)

    def where(self) -> Coordinates:
        """Where the next piece of evidence lies."""
        return Coordinates("delivery.evidence", PARTITION, next(self.offsets))

    def name(self, command_id: str, attempt: model.Attempt, message: str) -> None:
        """An attempt's message is known by its id from here on, and what waited for it counts."""
        attempt.message = attempt.message or message
        if self.owners.setdefault(message, command_id) == command_id:
            self.known[command_id].acks |= self.waiting.pop(message, set())

    def facts(self, command_id: str) -> list[DeliveryFact]:
        return [fact for fact in self.log if fact.command_id == command_id]

    def forgiven(self, command_id: str) -> int:
        facts = self.facts(command_id)
        parked = {fact.attempt for fact in facts if fact.fact is FactKind.PARKED}
        return sum(fact.fact is FactKind.NOT_SENT and fact.attempt in parked for fact in facts)

    def is_over(self, message: model.Message) -> bool:
        expires_at = message.command.expires_at
        return expires_at is not None and expires_at <= self.now + timedelta(milliseconds=1)


def is_waiting(message: model.Message) -> bool:
    return message.status in (Status.QUEUED, Status.RETRYING, Status.PARKED)


def is_open(message: model.Message) -> bool:
    return is_waiting(message) or message.status in (Status.ATTEMPTING, Status.UNCERTAIN)


def _fields(message: model.Message, **changes: Any) -> dict[str, Any]:
    given = message.command
    return {name: getattr(given, name) for name in given.__struct_fields__ if name != "schema_version"} | changes


TestSenderModel = pytest.mark.timeout(7_200)(SenderModel.TestCase)
TestSenderModel.settings = settings(examples(LIVES), stateful_step_count=STEPS)


def test_the_model_stays_small() -> None:
    assert len(Path(model.__file__).read_text(encoding="utf-8").splitlines()) <= MOST_LINES
