import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.deliveries import AckStatus, DeliveryFact, FactKind, OperatorDecision, Status
from streams.deliveries import CLOSED, Delivery, apply, fold, record
from tests.streams.sending.world import command

START = datetime(2026, 1, 15, 12, tzinfo=UTC)
LATER = START + timedelta(minutes=1)
COMMAND = command()
PROGRESS = [Status.SENT, Status.DELIVERED, Status.READ, Status.PLAYED]


def fact(kind: FactKind, attempt: int = 0, **details: Any) -> DeliveryFact:
    details = {"at": START, "command": COMMAND if kind is FactKind.ACCEPTED else None} | details
    return DeliveryFact(
        command_id=COMMAND.command_id,
        event_id=COMMAND.event_id,
        trace_id=COMMAND.trace_id,
        tenant_id=1,
        channel="canalum",
        fact=kind,
        status=Status.QUEUED,
        attempt=attempt,
        **details,
    )


def acked(ack: AckStatus, attempt: int = 1) -> DeliveryFact:
    return fact(FactKind.ACKED, attempt, ack=ack)


def decided(decision: OperatorDecision, attempt: int = 1, at: datetime = LATER) -> DeliveryFact:
    return fact(FactKind.DECIDED, attempt, decision=decision, at=at, by="ana")


ACCEPTED = fact(FactKind.ACCEPTED)
STARTED = fact(FactKind.ATTEMPT_STARTED, 1)
ANSWERED = fact(FactKind.ANSWERED, 1)
RETRY = fact(FactKind.NOT_SENT, 1, retry_at=LATER)
GIVEN_UP = fact(FactKind.NOT_SENT, 1)
IN_DOUBT = fact(FactKind.IN_DOUBT, 1)
ECHOED = fact(FactKind.ECHOED, 1, provider_message_id="3EB0AA01")
PARKED = fact(FactKind.PARKED, 1)
STARTED_AGAIN = fact(FactKind.ATTEMPT_STARTED, 2)
MUCH_LATER = LATER + timedelta(minutes=1)
SENT, NOT_SENT, RESEND, CANCEL = map(decided, OperatorDecision)
SENT_FACTS = (FactKind.ANSWERED, FactKind.ECHOED, FactKind.ACKED)


def any_fact() -> st.SearchStrategy[DeliveryFact]:
    attempts = st.integers(0, 3)
    times = st.sampled_from([START, LATER])
    others = st.builds(
        fact,
        st.sampled_from([kind for kind in FactKind if kind not in (FactKind.ACKED, FactKind.DECIDED)]),
        attempts,
        at=times,
        retry_at=st.sampled_from([None, START, LATER]),
        provider_message_id=st.sampled_from([None, "3EB0AA01", "3EB0AA02"]),
    )
    acks = st.builds(fact, st.just(FactKind.ACKED), attempts, at=times, ack=st.sampled_from(AckStatus))
    decisions = st.builds(decided, st.sampled_from(OperatorDecision), attempts, at=times)
    return others | acks | decisions


any_facts = st.lists(any_fact(), min_size=1, max_size=12)


@given(any_facts, st.randoms(use_true_random=False))
def test_order_and_repetition_of_facts_do_not_matter(facts: Sequence[DeliveryFact], rng: random.Random) -> None:
    said_again = [*facts, *rng.choices(facts, k=rng.randrange(len(facts) + 1))]
    rng.shuffle(said_again)
    assert fold(said_again) == fold(facts)
    assert fold(said_again).status is fold(facts).status


@given(any_facts, any_facts)
def test_a_closed_command_needs_its_text_no_more(before: Sequence[DeliveryFact], after: Sequence[DeliveryFact]) -> None:
    stripped = fold(before).without_command()
    for each in after:
        stripped = apply(stripped, each)
    assert stripped.status is fold([*before, *after]).status


@given(any_facts, any_fact())
def test_evidence_of_delivery_never_goes_back(facts: Sequence[DeliveryFact], more: DeliveryFact) -> None:
    before, after = fold(facts).status, fold([*facts, more]).status
    if before in PROGRESS[1:]:
        assert after in PROGRESS[PROGRESS.index(before) :]
    if before is Status.SENT and any(each.fact in SENT_FACTS for each in facts):
        assert after in [*PROGRESS, Status.FAILED]


@given(any_facts)
def test_evidence_beats_whatever_the_hub_concluded(facts: Sequence[DeliveryFact]) -> None:
    assert fold([*facts, acked(AckStatus.DELIVERED)]).status in PROGRESS[1:]


@given(any_facts)
def test_a_delivery_survives_the_snapshot(facts: Sequence[DeliveryFact]) -> None:
    delivery = fold(facts)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(delivery), type=Delivery) == delivery


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([ACCEPTED], Status.QUEUED),
        ([ACCEPTED, STARTED], Status.ATTEMPTING),
        ([ACCEPTED, STARTED, ANSWERED], Status.SENT),
        ([ACCEPTED, STARTED, RETRY], Status.RETRYING),
        ([ACCEPTED, STARTED, RETRY, fact(FactKind.ATTEMPT_STARTED, 2)], Status.ATTEMPTING),
        ([ACCEPTED, STARTED, GIVEN_UP], Status.FAILED),
        ([ACCEPTED, STARTED, fact(FactKind.REFUSED, 1)], Status.FAILED),
        ([ACCEPTED, STARTED, IN_DOUBT], Status.UNCERTAIN),
        ([ACCEPTED, STARTED, IN_DOUBT, ANSWERED], Status.SENT),
        ([ACCEPTED, STARTED, IN_DOUBT, RETRY], Status.RETRYING),
        ([ACCEPTED, fact(FactKind.EXPIRED)], Status.EXPIRED),
        ([ACCEPTED, STARTED, RETRY, fact(FactKind.EXPIRED)], Status.EXPIRED),
        ([ACCEPTED, STARTED, fact(FactKind.EXPIRED, 1)], Status.EXPIRED),
        ([ACCEPTED, fact(FactKind.SUPPRESSED)], Status.SUPPRESSED),
        ([ACCEPTED, STARTED, fact(FactKind.SUPPRESSED, 1)], Status.SUPPRESSED),
        ([ACCEPTED, fact(FactKind.PARKED)], Status.PARKED),
        ([ACCEPTED, STARTED, RETRY, fact(FactKind.PARKED, 1)], Status.PARKED),
        ([ACCEPTED, fact(FactKind.PARKED), STARTED], Status.ATTEMPTING),
        ([ACCEPTED, fact(FactKind.PARKED), STARTED, RETRY], Status.RETRYING),
        ([ACCEPTED, STARTED, IN_DOUBT, fact(FactKind.PARKED, 1)], Status.UNCERTAIN),
        ([ACCEPTED, fact(FactKind.PARKED), fact(FactKind.EXPIRED)], Status.EXPIRED),
        ([ACCEPTED, STARTED, ANSWERED, acked(AckStatus.FAILED)], Status.FAILED),
        ([ACCEPTED, STARTED, ANSWERED, acked(AckStatus.FAILED), acked(AckStatus.SENT)], Status.FAILED),
        ([ACCEPTED, STARTED, GIVEN_UP, acked(AckStatus.DELIVERED)], Status.DELIVERED),
        ([ACCEPTED, STARTED, ANSWERED, acked(AckStatus.FAILED), acked(AckStatus.DELIVERED)], Status.DELIVERED),
        ([ACCEPTED, STARTED, ANSWERED, acked(AckStatus.READ), acked(AckStatus.DELIVERED)], Status.READ),
        ([ACCEPTED, STARTED, ANSWERED, acked(AckStatus.PLAYED), acked(AckStatus.READ)], Status.PLAYED),
        ([ACCEPTED, STARTED, IN_DOUBT, acked(AckStatus.SENT)], Status.SENT),
        ([ACCEPTED, STARTED, ECHOED], Status.SENT),
        ([ACCEPTED, STARTED, IN_DOUBT, ECHOED], Status.SENT),
        ([ACCEPTED, STARTED, ECHOED, RETRY], Status.SENT),
        ([ACCEPTED, STARTED, RETRY, PARKED], Status.PARKED),
        ([ACCEPTED, STARTED, RETRY, PARKED, STARTED_AGAIN], Status.ATTEMPTING),
        ([ACCEPTED, STARTED, GIVEN_UP, PARKED], Status.FAILED),
        ([ACCEPTED, STARTED, IN_DOUBT, PARKED], Status.UNCERTAIN),
        ([ACCEPTED, STARTED, RETRY, PARKED, fact(FactKind.EXPIRED)], Status.EXPIRED),
    ],
)
def test_status_of(facts: Sequence[DeliveryFact], status: Status) -> None:
    assert fold(facts).status is status
    assert fold(facts).is_closed == (status in CLOSED)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([IN_DOUBT, SENT], Status.SENT),
        ([IN_DOUBT, NOT_SENT], Status.FAILED),
        ([IN_DOUBT, CANCEL], Status.CANCELLED),
        ([IN_DOUBT, RESEND], Status.RETRYING),
        ([IN_DOUBT, RESEND, PARKED], Status.PARKED),
        ([IN_DOUBT, RESEND, STARTED_AGAIN], Status.ATTEMPTING),
        ([IN_DOUBT, RESEND, STARTED_AGAIN, fact(FactKind.NOT_SENT, 2, retry_at=LATER)], Status.RETRYING),
        ([IN_DOUBT, RESEND, STARTED_AGAIN, fact(FactKind.REFUSED, 2)], Status.UNCERTAIN),
        ([IN_DOUBT, RESEND, STARTED_AGAIN, fact(FactKind.IN_DOUBT, 2)], Status.UNCERTAIN),
        ([IN_DOUBT, RESEND, fact(FactKind.EXPIRED, at=MUCH_LATER)], Status.UNCERTAIN),
        ([GIVEN_UP, RESEND], Status.RETRYING),
        ([GIVEN_UP, RESEND, STARTED_AGAIN, fact(FactKind.NOT_SENT, 2, retry_at=LATER)], Status.RETRYING),
        ([GIVEN_UP, RESEND, STARTED_AGAIN, fact(FactKind.REFUSED, 2)], Status.FAILED),
        ([RETRY, CANCEL], Status.CANCELLED),
        ([CANCEL, RETRY], Status.CANCELLED),
        ([CANCEL], Status.ATTEMPTING),
        ([CANCEL, fact(FactKind.IN_DOUBT, 1, at=MUCH_LATER)], Status.UNCERTAIN),
        ([SENT, fact(FactKind.IN_DOUBT, 1, at=MUCH_LATER)], Status.SENT),
        ([IN_DOUBT, NOT_SENT, decided(OperatorDecision.RESEND, at=MUCH_LATER)], Status.RETRYING),
        ([IN_DOUBT, RESEND, decided(OperatorDecision.CANCEL, at=MUCH_LATER)], Status.CANCELLED),
        ([IN_DOUBT, STARTED_AGAIN, NOT_SENT, fact(FactKind.IN_DOUBT, 2)], Status.UNCERTAIN),
        ([IN_DOUBT, NOT_SENT, ECHOED], Status.SENT),
        ([IN_DOUBT, CANCEL, acked(AckStatus.DELIVERED)], Status.DELIVERED),
        ([IN_DOUBT, SENT, acked(AckStatus.FAILED)], Status.FAILED),
        ([fact(FactKind.ANSWERED, 1), RESEND], Status.SENT),
    ],
)
def test_what_an_operator_decides_stands_below_all_evidence(facts: Sequence[DeliveryFact], status: Status) -> None:
    assert fold([ACCEPTED, STARTED, *facts]).status is status


def test_of_one_decision_said_again_after_another_the_later_counts() -> None:
    again = decided(OperatorDecision.CANCEL, at=MUCH_LATER + timedelta(minutes=1))
    other = decided(OperatorDecision.RESEND, at=MUCH_LATER)
    assert fold([ACCEPTED, STARTED, RETRY, CANCEL, other]).status is Status.RETRYING
    assert fold([ACCEPTED, STARTED, RETRY, CANCEL, other, again]).status is Status.CANCELLED


@pytest.mark.parametrize("second", [GIVEN_UP, fact(FactKind.REFUSED, 1), fact(FactKind.EXPIRED, 1)])
def test_a_conclusion_about_the_second_attempt_does_not_hide_the_doubt_about_the_first(second: DeliveryFact) -> None:
    second = msgspec.structs.replace(second, attempt=2)
    facts = [ACCEPTED, STARTED, IN_DOUBT, fact(FactKind.ATTEMPT_STARTED, 2), second]
    assert fold(facts).status is Status.UNCERTAIN


def test_an_answer_with_the_message_id_stands_above_one_without() -> None:
    named = fact(FactKind.ANSWERED, 1, provider_message_id="3EB0AA01", at=LATER)
    (mark,) = fold([ANSWERED, named]).marks
    assert mark.provider_message_id == "3EB0AA01"


def test_of_two_commands_with_one_id_every_reader_takes_the_same() -> None:
    other = fact(FactKind.ACCEPTED, command=command(text="Outra"))
    assert fold([ACCEPTED, other]).command == fold([other, ACCEPTED]).command


def test_a_recorded_fact_names_the_status_after_it() -> None:
    delivery, said = record(Delivery.of(COMMAND), FactKind.ACCEPTED, START, command=COMMAND)
    assert said.status is Status.QUEUED
    _, said = record(delivery, FactKind.ATTEMPT_STARTED, START, attempt=1)
    assert said.status is Status.ATTEMPTING


def test_no_facts_make_no_command() -> None:
    with pytest.raises(ValueError, match="without facts"):
        fold([])
