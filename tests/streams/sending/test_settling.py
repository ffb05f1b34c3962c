from dataclasses import replace
from datetime import datetime

import pytest

from schemas.deliveries import AckStatus, FactKind, OperatorDecision, Status
from schemas.events import Coordinates
from streams.deliveries import Delivery
from streams.sending.inputs import (
    Ack,
    Decide,
    Echo,
    Input,
    Moot,
    NotSent,
    Park,
    Refused,
    Replay,
    Sent,
    Start,
    Take,
    Unclear,
)
from streams.sending.machine import transition
from streams.sending.settling import objection
from tests.streams.sending.world import SCHEDULE, START, command, seconds

SENT, NOT_SENT, RESEND, CANCEL = OperatorDecision
DOUBTFUL = (Take(command()), Start(), Unclear(1, "read_timeout"))
FAILED = (Take(command()), Start(), Refused(1, "http_422"))


def after(*inputs: Input) -> Delivery:
    delivery: Delivery | None = None
    for given in inputs:
        delivery = transition(delivery, given, START, SCHEDULE).delivery
    assert delivery
    return delivery


def said(delivery: Delivery, decision: OperatorDecision, expires_at: datetime | None = None) -> str | None:
    return objection(delivery, decision, delivery.attempts, expires_at, START)


def by_ana(decision: OperatorDecision, attempt: int = 1) -> Decide:
    return Decide(decision, "ana", "", attempt)


@pytest.mark.parametrize(
    ("inputs", "allowed"),
    [
        ((Take(command()),), [CANCEL]),
        ((Take(command()), Start()), [CANCEL]),
        ((Take(command()), Start(), NotSent(1, "http_429")), [RESEND, CANCEL]),
        ((Take(command()), Park("channel_down")), [CANCEL]),
        (DOUBTFUL, [SENT, NOT_SENT, RESEND, CANCEL]),
        (FAILED, [SENT, RESEND]),
        ((*DOUBTFUL, by_ana(NOT_SENT)), [SENT, RESEND]),
        ((*DOUBTFUL, by_ana(CANCEL)), [SENT, RESEND]),
        ((*DOUBTFUL, by_ana(SENT)), [NOT_SENT]),
        ((*DOUBTFUL, by_ana(RESEND)), [CANCEL]),
        ((Take(command()), by_ana(CANCEL, 0)), [RESEND]),
        ((Replay(command()),), []),
        ((Take(command()), Start(), Sent(1)), []),
        ((*DOUBTFUL, by_ana(RESEND), Start(), Moot(2)), [SENT, NOT_SENT, CANCEL]),
        ((*DOUBTFUL, Echo(1, "3EB0AA17", START)), []),
        ((*DOUBTFUL, Ack(1, AckStatus.DELIVERED, START)), []),
        ((*FAILED, Ack(1, AckStatus.FAILED, START)), []),
    ],
)
def test_what_may_be_decided_follows_from_what_is_known(
    inputs: tuple[Input, ...], allowed: list[OperatorDecision]
) -> None:
    assert [decision for decision in OperatorDecision if said(after(*inputs), decision) is None] == allowed


@pytest.mark.parametrize(
    ("inputs", "decision", "words"),
    [
        ((*DOUBTFUL, Ack(1, AckStatus.READ, START)), RESEND, "it was read"),
        ((*DOUBTFUL, Sent(1)), CANCEL, "the gateway took it"),
        ((*DOUBTFUL, Echo(1, "3EB0AA17", START)), NOT_SENT, "WhatsApp has shown it"),
        ((*DOUBTFUL, Ack(1, AckStatus.FAILED, START)), RESEND, "send it as a new event"),
        ((*DOUBTFUL, by_ana(RESEND)), RESEND, "already asked for"),
        ((Take(command()), Start()), RESEND, "a request is under way"),
    ],
)
def test_an_objection_says_what_is_known(inputs: tuple[Input, ...], decision: OperatorDecision, words: str) -> None:
    assert words in (said(after(*inputs), decision) or "")


def test_who_has_not_seen_the_last_attempt_may_only_cancel() -> None:
    twice = after(*DOUBTFUL, by_ana(RESEND), Start(), Unclear(2, "read_timeout"))
    assert [each for each in OperatorDecision if objection(twice, each, 1, None, START) is None] == [CANCEL]


def test_a_decision_that_comes_again_does_not_undo_the_one_behind_it() -> None:
    def at(offset: int, decision: OperatorDecision, partition: int = 3) -> Decide:
        return replace(by_ana(decision), evidence=Coordinates("delivery.evidence", partition, offset))

    decided = after(*DOUBTFUL, at(17, CANCEL), at(18, RESEND), Start())
    assert decided.status is Status.ATTEMPTING
    again = [transition(decided, at(*place), START, SCHEDULE).facts for place in ((17, CANCEL), (18, RESEND))]
    assert again == [(), ()]
    for later in (at(19, CANCEL), at(0, CANCEL, partition=4)):  # a record of its own, also where the topic grew
        assert [fact.fact for fact in transition(decided, later, START, SCHEDULE).facts] == [FactKind.DECIDED]


def test_nobody_decides_about_attempts_that_were_never_made() -> None:
    for inputs in ((Take(command()),), DOUBTFUL):
        delivery = after(*inputs)
        assert all(objection(delivery, each, 7, None, START) for each in OperatorDecision)


def test_nothing_is_sent_again_after_its_time() -> None:
    assert "its time ended at 2026-01-15 12:00:00 UTC" in (said(after(*DOUBTFUL), RESEND, START) or "")
    assert said(after(*DOUBTFUL), RESEND, START + seconds(1)) is None
