from typing import Any

import pytest

from schemas.commands import Policy
from schemas.deliveries import AckStatus, FactKind, OperatorDecision, Status
from schemas.events import Coordinates
from streams.deliveries import Delivery
from streams.sending.inputs import (
    Ack,
    Answer,
    Decide,
    Down,
    Echo,
    Input,
    Late,
    Moot,
    NotSent,
    Orphan,
    Park,
    Refused,
    Replay,
    Sent,
    Start,
    Take,
    Unclear,
    Wake,
    Withdrawn,
    Withheld,
)
from streams.sending.machine import TABLE, Outcome, Send, WakeAt, transition
from streams.sending.schedule import spread
from tests.streams.sending.world import SCHEDULE, START, command, seconds


def let(delivery: Delivery | None, *inputs: Input, after: float = 0) -> Outcome:
    """Let inputs happen one after the other; the outcome of the last."""
    outcome = Outcome(delivery)
    for given in inputs:
        outcome = transition(outcome.delivery, given, START + seconds(after), SCHEDULE)
    return outcome


def taken(**changes: Any) -> Delivery:
    delivery = let(None, Take(command(**changes))).delivery
    assert delivery
    return delivery


def status(outcome: Outcome) -> Status:
    assert outcome.delivery
    return outcome.delivery.status


def kinds(outcome: Outcome) -> list[FactKind]:
    return [fact.fact for fact in outcome.facts]


def test_a_command_is_taken_with_all_that_it_says() -> None:
    asked = command()
    outcome = let(None, Take(asked))
    (fact,) = outcome.facts
    assert (fact.fact, fact.command, fact.status, fact.at) == (FactKind.ACCEPTED, asked, Status.QUEUED, START)


def test_a_command_that_is_known_is_not_taken_again() -> None:
    assert let(taken(), Take(command(text="Outra"))).facts == ()


def test_a_replayed_command_is_recorded_and_never_sent() -> None:
    outcome = let(None, Replay(command()))
    assert status(outcome) is Status.SUPPRESSED
    assert kinds(outcome) == [FactKind.ACCEPTED, FactKind.SUPPRESSED]
    assert let(outcome.delivery, Start()).effects == ()


def test_an_attempt_is_a_fact_before_it_is_a_request() -> None:
    outcome = let(taken(), Start())
    (fact,) = outcome.facts
    assert (fact.fact, fact.attempt, fact.status) == (FactKind.ATTEMPT_STARTED, 1, Status.ATTEMPTING)
    assert fact.request_id == f"{command().command_id}:1"
    assert outcome.effects == (Send(1),)


def test_a_command_is_not_started_before_its_time() -> None:
    later = taken(not_before=START + seconds(60))
    assert let(later, Start(), after=59).facts == ()
    assert let(later, Start(), after=60).effects == (Send(1),)


@pytest.mark.parametrize("given", [Wake(), Start()])
def test_a_command_whose_time_is_over_expires_without_an_attempt(given: Input) -> None:
    outcome = let(taken(expires_at=START + seconds(60)), given, after=60)
    assert (status(outcome), kinds(outcome), outcome.effects) == (Status.EXPIRED, [FactKind.EXPIRED], ())


def test_a_command_is_woken_for_its_time_and_for_its_end() -> None:
    outcome = let(None, Take(command(not_before=START + seconds(5), expires_at=START + seconds(9))))
    assert outcome.effects == (WakeAt(START + seconds(5)),)
    assert let(outcome.delivery, Wake(), after=5).effects == (WakeAt(START + seconds(9)),)


def test_a_message_that_the_gateway_took_is_sent_under_its_id() -> None:
    outcome = let(taken(), Start(), Sent(1, "true_5547999990001@c.us_3EB0AA17"))
    (fact,) = outcome.facts
    assert (fact.fact, fact.attempt, fact.status) == (FactKind.ANSWERED, 1, Status.SENT)
    assert fact.provider_message_id == "true_5547999990001@c.us_3EB0AA17"
    assert outcome.effects == ()


def test_what_was_not_sent_is_tried_again_by_the_schedule() -> None:
    outcome = let(taken(), Start(), NotSent(1, "http_503", "ocupado", 503))
    (fact,) = outcome.facts
    due = SCHEDULE.retry_at(START, 1, spread(command().command_id, 1))
    assert (fact.fact, fact.status, fact.retry_at) == (FactKind.NOT_SENT, Status.RETRYING, due)
    assert (fact.reason, fact.message, fact.http_status) == ("http_503", "ocupado", 503)
    assert due
    assert outcome.effects == (WakeAt(due),)
    assert let(outcome.delivery, Start(), after=0.5).effects == ()
    assert let(outcome.delivery, Start(), after=1.5).effects == (Send(2),)


def test_what_the_gateway_asks_to_wait_is_waited() -> None:
    outcome = let(taken(), Start(), NotSent(1, "http_429", retry_after=60))
    assert outcome.effects == (WakeAt(START + seconds(60)),)


def test_after_the_last_attempt_it_has_failed() -> None:
    delivery: Delivery | None = taken()
    for attempt in range(1, SCHEDULE.max_attempts + 1):
        outcome = let(delivery, Start(), NotSent(attempt, "connect_refused"), after=attempt * 60)
        delivery = outcome.delivery
    assert status(outcome) is Status.FAILED
    assert outcome.facts[0].reason == "connect_refused"
    assert outcome.effects == ()


def test_a_refused_message_has_failed() -> None:
    outcome = let(taken(), Start(), Refused(1, "http_422"))
    assert (status(outcome), kinds(outcome)) == (Status.FAILED, [FactKind.REFUSED])


@pytest.mark.parametrize("given", [Unclear(1, "read_timeout"), Orphan()])
def test_a_message_in_doubt_is_not_sent_again(given: Input) -> None:
    outcome = let(taken(), Start(), given)
    assert (status(outcome), kinds(outcome)) == (Status.UNCERTAIN, [FactKind.IN_DOUBT])
    assert outcome.effects == (WakeAt(START + seconds(SCHEDULE.uncertain_wait)),)
    assert let(outcome.delivery, Start(), after=10_000).effects == ()


def test_a_message_in_doubt_is_sent_once_more_where_its_policy_says_so() -> None:
    doubtful = let(taken(policy=Policy.AT_LEAST_ONCE), Start(), Unclear(1, "read_timeout")).delivery
    assert let(doubtful, Start(), after=119).effects == ()
    again = let(doubtful, Start(), after=120)
    assert again.effects == (Send(2),)
    still = let(again.delivery, Unclear(2, "read_timeout"), after=120)
    assert status(still) is Status.UNCERTAIN
    assert let(still.delivery, Start(), after=10_000).effects == ()


def test_a_resend_that_was_not_sent_is_retried() -> None:
    doubtful = let(taken(policy=Policy.AT_LEAST_ONCE), Start(), Unclear(1, "read_timeout")).delivery
    retrying = let(doubtful, Start(), NotSent(2, "connect_refused"), after=120)
    assert status(retrying) is Status.RETRYING
    assert let(retrying.delivery, Start(), after=140).effects == (Send(3),)


def test_only_an_open_attempt_has_an_owner_to_lose() -> None:
    assert let(taken(), Orphan()).facts == ()
    assert let(taken(), Start(), NotSent(1, "http_503"), Orphan()).facts == ()


def test_a_message_by_a_channel_that_changed_is_withheld_for_good() -> None:
    outcome = let(taken(), Start(), Withheld(1, "channel_changed", "the channel is gone"))
    (fact,) = outcome.facts
    assert (fact.status, fact.reason, fact.retry_at) == (Status.FAILED, "channel_changed", None)


def test_an_attempt_that_came_too_late_expires() -> None:
    outcome = let(taken(), Start(), Late(1))
    assert (status(outcome), outcome.facts[0].attempt) == (Status.EXPIRED, 1)


def test_an_attempt_withdrawn_at_a_hand_over_is_due_at_once_were_it_the_last() -> None:
    last = SCHEDULE.max_attempts
    outcome = let(taken(), Start(), Withdrawn(last))
    assert (status(outcome), outcome.facts[0].retry_at) == (Status.RETRYING, START)


def test_evidence_settles_a_doubt() -> None:
    outcome = let(taken(), Start(), Unclear(1, "read_timeout"), Ack(1, AckStatus.READ, START + seconds(9)))
    (fact,) = outcome.facts
    assert (fact.fact, fact.ack, fact.at) == (FactKind.ACKED, AckStatus.READ, START + seconds(9))
    assert status(outcome) is Status.READ


def test_an_echo_settles_a_doubt_and_names_the_message() -> None:
    where = Coordinates("delivery.evidence", 3, 7)
    outcome = let(taken(), Start(), Unclear(1, "read_timeout"), Echo(1, "3EB0AA17", START + seconds(2), where))
    (fact,) = outcome.facts
    assert (fact.fact, fact.attempt, fact.status) == (FactKind.ECHOED, 1, Status.SENT)
    assert (fact.provider_message_id, fact.at, fact.evidence) == ("3EB0AA17", START + seconds(2), where)


@pytest.mark.parametrize("answer", [Sent(1), NotSent(1, "http_429"), Refused(1, "http_422"), Unclear(1, "x")])
def test_an_echo_before_the_answer_settles_and_the_answer_only_adds_to_it(answer: Answer) -> None:
    outcome = let(taken(), Start(), Echo(1, "3EB0AA17", START), answer)
    assert len(outcome.facts) == 1
    assert status(outcome) is Status.SENT
    assert outcome.effects == ()


DOUBTFUL = (Start(), Unclear(1, "read_timeout"))
CLOSES = [
    (OperatorDecision.SENT, Status.SENT),
    (OperatorDecision.NOT_SENT, Status.FAILED),
    (OperatorDecision.CANCEL, Status.CANCELLED),
]


def decide(decision: OperatorDecision, attempt: int = 1, **more: Any) -> Decide:
    return Decide(decision, "ana", "cliente confirmou", attempt, **more)


@pytest.mark.parametrize(("decision", "closed"), CLOSES)
def test_an_operator_closes_a_doubt_and_is_on_record(decision: OperatorDecision, closed: Status) -> None:
    outcome = let(taken(), *DOUBTFUL, decide(decision))
    (fact,) = outcome.facts
    assert (fact.fact, fact.decision, fact.by, fact.message) == (FactKind.DECIDED, decision, "ana", "cliente confirmou")
    assert status(outcome) is closed
    assert let(outcome.delivery, Start(), after=10_000).effects == ()


@pytest.mark.parametrize("decision", [OperatorDecision.NOT_SENT, OperatorDecision.CANCEL, OperatorDecision.RESEND])
def test_evidence_stands_above_an_operators_word(decision: OperatorDecision) -> None:
    outcome = let(taken(), *DOUBTFUL, decide(decision), Echo(1, "3EB0AA17", START))
    assert status(outcome) is Status.SENT
    assert let(outcome.delivery, Start(), after=10_000).effects == ()


def test_an_operator_has_a_doubt_sent_once_more_whatever_its_policy() -> None:
    asked = let(taken(), *DOUBTFUL, decide(OperatorDecision.RESEND))
    assert status(asked) is Status.RETRYING
    again = let(asked.delivery, Start())
    assert again.effects == (Send(2),)
    still = let(again.delivery, Unclear(2, "read_timeout"))
    assert status(still) is Status.UNCERTAIN
    assert let(still.delivery, Start(), after=10_000).effects == ()


def test_two_operators_who_saw_the_same_doubt_have_it_sent_once() -> None:
    asked = let(taken(), *DOUBTFUL, decide(OperatorDecision.RESEND))
    assert let(asked.delivery, decide(OperatorDecision.RESEND)).facts == ()
    again = let(asked.delivery, Start(), Unclear(2, "read_timeout"))
    assert let(again.delivery, decide(OperatorDecision.RESEND, attempt=1)).facts == ()


def test_what_has_failed_is_sent_again_with_the_text_that_was_let_go() -> None:
    failed = let(taken(), Start(), Refused(1, "http_422")).delivery
    assert failed
    stripped = failed.without_command()
    assert let(stripped, decide(OperatorDecision.RESEND)).facts == ()
    outcome = let(stripped, decide(OperatorDecision.RESEND, command=command()))
    assert (status(outcome), outcome.facts[0].command) == (Status.RETRYING, command())
    assert let(outcome.delivery, Start()).effects == (Send(2),)


def test_what_is_cancelled_while_a_request_is_under_way_is_not_tried_again() -> None:
    cancelled = let(taken(), Start(), decide(OperatorDecision.CANCEL, attempt=0))
    assert status(cancelled) is Status.ATTEMPTING
    assert status(let(cancelled.delivery, NotSent(1, "http_429"))) is Status.CANCELLED
    assert status(let(cancelled.delivery, Sent(1))) is Status.SENT
    assert status(let(cancelled.delivery, Unclear(1, "x"), after=1)) is Status.UNCERTAIN


def test_what_was_cancelled_is_not_sent_again_by_its_policy_when_its_request_ends_in_doubt() -> None:
    asked = (decide(OperatorDecision.CANCEL), Unclear(1, "x"))
    doubtful = let(taken(policy=Policy.AT_LEAST_ONCE), Start(), *asked, after=1).delivery
    assert doubtful
    assert let(doubtful, Start(), after=3600).facts == ()
    resent = let(doubtful, decide(OperatorDecision.RESEND), after=2)
    assert let(resent.delivery, Start(), after=2).effects == (Send(2),)


def test_a_message_whose_time_is_over_is_not_sent_again_by_an_operator() -> None:
    doubtful = let(taken(expires_at=START + seconds(60)), *DOUBTFUL).delivery
    assert let(doubtful, decide(OperatorDecision.RESEND), after=60).facts == ()
    assert status(let(doubtful, decide(OperatorDecision.NOT_SENT), after=60)) is Status.FAILED


def test_an_ack_that_was_heard_before_is_no_news() -> None:
    outcome = let(taken(), Start(), Sent(1), Ack(1, AckStatus.READ, START), Ack(1, AckStatus.READ, START + seconds(1)))
    assert outcome.facts == ()


@pytest.mark.parametrize(
    "answer", [Sent(1), NotSent(1, "http_503"), Refused(1, "http_422"), Unclear(1, "x"), Withheld(1, "x"), Late(1)]
)
def test_an_answer_after_the_evidence_is_recorded_and_changes_nothing(answer: Answer) -> None:
    outcome = let(taken(), Start(), Ack(1, AckStatus.DELIVERED, START), answer)
    assert len(outcome.facts) == 1
    assert status(outcome) is Status.DELIVERED
    assert outcome.effects == ()


@pytest.mark.parametrize("given", [Wake(), Start(), Orphan(), Sent(1), Ack(1, AckStatus.READ, START)])
def test_nothing_happens_to_a_command_that_nobody_knows(given: Input) -> None:
    assert let(None, given) == Outcome(None)


def test_the_table_names_each_transition_once_and_says_what_it_does() -> None:
    pairs = [(state, row.on) for row in TABLE for state in row.states]
    assert len(pairs) == len(set(pairs))
    assert all(row.says for row in TABLE)


def test_a_command_is_parked_once_and_started_from_there() -> None:
    parked = let(taken(), Park("disconnected"))
    assert (kinds(parked), status(parked)) == ([FactKind.PARKED], Status.PARKED)
    assert let(parked.delivery, Park("disconnected")).facts == ()
    assert let(parked.delivery, Start()).effects == (Send(1),)


def test_an_attempt_that_met_a_channel_that_is_down_rests_and_does_not_count() -> None:
    outcome = Outcome(taken())
    for attempt in range(1, 20):
        outcome = let(outcome.delivery, Start(), Down(attempt, "channel_down"))
        assert (kinds(outcome), status(outcome)) == ([FactKind.NOT_SENT, FactKind.PARKED], Status.PARKED)
    outcome = let(outcome.delivery, Start(), NotSent(20, "http_429"))
    assert status(outcome) is Status.RETRYING
    assert outcome.facts[0].retry_at == SCHEDULE.retry_at(START, 1, spread(command().command_id, 20))


def test_a_parked_command_expires_at_its_time() -> None:
    parked = let(taken(expires_at=START + seconds(60)), Park("qr_required"))
    assert parked.effects == (WakeAt(START + seconds(60)),)
    assert status(let(parked.delivery, Wake(), after=60)) is Status.EXPIRED
    assert status(let(parked.delivery, Start(), after=60)) is Status.EXPIRED


def test_what_is_moot_right_before_its_request_is_suppressed() -> None:
    outcome = let(taken(), Start(), Moot(1))
    assert (status(outcome), outcome.facts[0].reason) == (Status.SUPPRESSED, "precondition")
    assert let(outcome.delivery, Start()).effects == ()
