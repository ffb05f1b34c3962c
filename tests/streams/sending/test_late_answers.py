from typing import Any

import msgspec
import pytest

from schemas.deliveries import Evidence, EvidenceKind, FactKind
from streams.deliveries import Delivery, record
from streams.sending.inputs import Answer, Late, NotSent, Refused, Sent, Unclear, Withdrawn, Withheld
from streams.sending.late_answers import answer_in, evidence_of, is_about
from tests.streams.sending.world import START, command, seconds

ONE = command("one")
BEGAN = START - seconds(9.5)


def told(answer: Answer) -> Evidence:
    """An answer as it comes out of the topic."""
    return msgspec.json.decode(msgspec.json.encode(evidence_of(ONE, answer, START, began=BEGAN)), type=Evidence)


@pytest.mark.parametrize(
    "answer",
    [
        Sent(1),
        Sent(2, "true_5547999990001@c.us_3EB0AA17"),
        NotSent(1, "http_429", "devagar", 429, 60.0),
        NotSent(3, "connect_refused"),
        Refused(1, "http_422", "número inválido", 422),
        Unclear(1, "read_timeout"),
        Unclear(1, "http_500", "Erro", 500),
        Withdrawn(8),
    ],
)
def test_a_late_answer_says_what_it_would_have_said_in_time(answer: Answer) -> None:
    assert answer_in(told(answer)) == answer


@pytest.mark.parametrize("answer", [Late(2), Withheld(2, "channel_changed", "the channel is gone")])
def test_a_request_that_never_left_sent_nothing(answer: Answer) -> None:
    said = answer_in(told(answer))
    assert isinstance(said, NotSent)
    assert said.attempt == 2


def test_a_late_answer_names_its_command_and_channel() -> None:
    evidence = told(Sent(2))
    assert (evidence.kind, evidence.channel) == (EvidenceKind.LATE_ANSWER, ONE.channel)
    assert (evidence.command_id, evidence.attempt) == (ONE.command_id, 2)
    assert (evidence.event_id, evidence.trace_id, evidence.at) == (ONE.event_id, ONE.trace_id, START)


@pytest.mark.parametrize(
    "changes",
    [
        {"command_id": None},
        {"attempt": None},
        {"attempt": 0},
        {"detail": {}},
        {"detail": {"answer": "delivered"}},
        {"detail": {"answer": ["sent"]}},
    ],
)
def test_what_tells_of_no_answer_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a late answer must"):
        answer_in(msgspec.structs.replace(told(Sent(1)), **changes))


def test_of_a_detail_that_makes_no_sense_only_what_does_counts() -> None:
    odd = {"answer": "not_sent", "reason": 7, "http_status": "429", "retry_after": True}
    assert answer_in(msgspec.structs.replace(told(Sent(1)), detail=odd)) == NotSent(1, "not_sent")


def test_it_is_about_the_attempt_that_began_when_it_says_and_about_no_other_of_that_number() -> None:
    delivery, _ = record(Delivery.of(ONE), FactKind.ATTEMPT_STARTED, BEGAN, attempt=1)
    assert is_about(told(Sent(1)), delivery)
    assert not is_about(told(Sent(2)), delivery)
    another, _ = record(Delivery.of(ONE), FactKind.ATTEMPT_STARTED, BEGAN + seconds(0.5), attempt=1)
    assert not is_about(told(Sent(1)), another)
    assert not is_about(told(Sent(1)), Delivery.of(ONE))
