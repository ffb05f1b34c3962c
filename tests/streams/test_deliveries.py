import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.deliveries import AckStatus, DeliveryFact, FactKind, Status
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


ACCEPTED = fact(FactKind.ACCEPTED)
STARTED = fact(FactKind.ATTEMPT_STARTED, 1)
ANSWERED = fact(FactKind.ANSWERED, 1)
RETRY = fact(FactKind.NOT_SENT, 1, retry_at=LATER)
GIVEN_UP = fact(FactKind.NOT_SENT, 1)
IN_DOUBT = fact(FactKind.IN_DOUBT, 1)


def any_fact() -> st.SearchStrategy[DeliveryFact]:
    attempts = st.integers(0, 3)
    times = st.sampled_from([START, LATER])
    others = st.builds(
        fact,
        st.sampled_from([kind for kind in FactKind if kind is not FactKind.ACKED]),
        attempts,
        at=times,
        retry_at=st.sampled_from([None, START, LATER]),
        provider_message_id=st.sampled_from([None, "3EB0AA01", "3EB0AA02"]),
    )
    acks = st.builds(fact, st.just(FactKind.ACKED), attempts, at=times, ack=st.sampled_from(AckStatus))
    return others | acks


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
    if before is Status.SENT:
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
    ],
)
def test_status_of(facts: Sequence[DeliveryFact], status: Status) -> None:
    assert fold(facts).status is status
    assert fold(facts).is_closed == (status in CLOSED)


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
