"""What is posted, what an answer means, and the events that come of it."""

from typing import Any

import msgspec
import pytest

from schemas.configuration import Rule
from schemas.events import Action, Event
from schemas.http_actions import HttpCommand, ReplyText, TargetAnswer
from streams import keys
from streams.decisions import decide
from streams.http_actions import MOST_REPLIES, AnswerError, answer_of, body_of, events_of
from streams.normalization.event_in import check
from streams.soundness import fault_of
from tests.streams.samples_configuration import CHANNEL, configuration
from tests.streams.test_decisions import RECEIVED, event

RULE = Rule(id="answer", event_type="whatsapp.inbound.message", action=Action.AI, target="responder", version=4)


def question(**fields: Any) -> Event:
    """A message that somebody wrote."""
    defaults: dict[str, Any] = {
        "source_system": keys.GATEWAY,
        "channel": "canalum",
        "contact": "554799990001",
        "conversation_id": "canalum:554799990001",
        "tenant_id": None,
        "payload": {"chat": "5547999990001@c.us", "text": "Oi"},
    }
    return event("whatsapp.inbound.message", **(defaults | fields))


def command(rule: Rule = RULE, **fields: Any) -> HttpCommand:
    found = decide(question(**fields), configuration(CHANNEL, rule)).post
    assert found is not None
    return found


def test_a_rule_with_a_target_makes_one_command_whose_id_is_that_of_event_and_action() -> None:
    outcome = decide(question(), configuration(CHANNEL, RULE))
    assert outcome.post is not None
    assert outcome.command is None
    assert outcome.post.command_id == outcome.decision.command_id == keys.command_id(keys.event_id("k"), "ai")
    assert (outcome.post.target, outcome.post.tenant_id, outcome.post.channel) == ("responder", 1, "canalum")


@pytest.mark.parametrize(
    ("action", "target", "fault"),
    [
        (Action.AI, None, "target: the action ai needs one"),
        (Action.HTTP, None, "target: the action http needs one"),
        (Action.CHAT, "responder", "target: the action chat has none"),
        (Action.HTTP, "responder", None),
    ],
)
def test_a_rule_has_a_target_just_where_its_action_posts(action: Action, target: str | None, fault: str | None) -> None:
    assert fault_of(msgspec.structs.replace(RULE, action=action, target=target)) == fault


def test_the_body_has_the_event_and_what_posts_it_and_is_the_same_at_every_try() -> None:
    body = msgspec.json.decode(body_of(command()))
    assert body_of(command()) == body_of(command())
    assert (body["type"], body["action"], body["rule_id"]) == ("whatsapp.inbound.message", "ai", "answer")
    assert body["data"]["conversation_id"] == "canalum:554799990001"
    assert body["data"]["payload"] == {"chat": "5547999990001@c.us", "text": "Oi"}
    assert "depth" not in body


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"", TargetAnswer()),
        (b" \n", TargetAnswer()),
        (b"{}", TargetAnswer()),
        (b'{"replies": [{"text": "Oi", "x": 1}]}', TargetAnswer((ReplyText("Oi"),))),
        (b'{"replies": [], "handoff": true}', TargetAnswer(handoff=True)),
    ],
)
def test_an_answer_is_read(body: bytes, answer: TargetAnswer) -> None:
    assert answer_of(body) == answer


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"replies": "Oi"}',
        b'{"replies": [{"text": 1}]}',
        b'{"replies": [{"text": "  "}]}',
        b'{"replies": [{}]}',
        b'{"handoff": "yes"}',
        msgspec.json.encode({"replies": [{"text": "x" * 65_537}]}),
        msgspec.json.encode({"replies": [{"text": "x"}] * (MOST_REPLIES + 1)}),
        b"[" * 5_000,
    ],
    ids=str,
)
def test_an_answer_that_makes_no_sense_says_why(body: bytes) -> None:
    with pytest.raises(AnswerError, match=r"repl|answer"):
        answer_of(body)


def test_each_reply_is_an_event_of_its_own_that_answers_who_wrote_and_the_same_each_time() -> None:
    answer = TargetAnswer((ReplyText("Oi"), ReplyText("Tudo bem?")), handoff=True)
    made = list(events_of(command(metadata={"depth": 1}), answer))
    assert made == list(events_of(command(metadata={"depth": 1}), answer))
    assert [one.event_type for one in made] == ["chat.outbound.message", "chat.outbound.message", "chat.handoff"]
    first, second, _ = made
    assert first.external_id != second.external_id
    assert first.ordering_key == second.ordering_key == "canalum:554799990001"
    assert first.payload["to"] == "5547999990001@c.us"
    assert first.payload["in_reply_to"] == keys.event_id("k")
    assert first.metadata == {
        "author_kind": "ai",
        "depth": 2,
        "asked_at": RECEIVED.isoformat(),
        "target": "responder",
    }


def test_the_events_of_an_answer_are_such_as_a_producer_may_send() -> None:
    for one in events_of(command(), TargetAnswer((ReplyText("Oi"),), handoff=True)):
        check(msgspec.json.decode(msgspec.json.encode(one)))


def test_what_an_http_action_says_is_said_by_a_rule() -> None:
    rule = msgspec.structs.replace(RULE, action=Action.HTTP)
    [made] = events_of(command(rule), TargetAnswer((ReplyText("Oi"),)))
    assert made.metadata["author_kind"] == "rule"


def test_an_event_of_no_conversation_can_be_posted_but_not_answered() -> None:
    rule = msgspec.structs.replace(RULE, event_type="order.paid")
    outcome = decide(event("order.paid"), configuration(CHANNEL, rule))
    assert outcome.post is not None
    assert list(events_of(outcome.post, TargetAnswer())) == []
    with pytest.raises(AnswerError, match="no conversation"):
        list(events_of(outcome.post, TargetAnswer((ReplyText("Oi"),))))


@pytest.mark.parametrize(("said", "depth"), [(2, 2), (-1, 0), ("3", 0), (True, 0), (None, 0), (10**9, 1_000)])
def test_the_depth_of_an_event_is_a_small_number_or_none(said: Any, depth: int) -> None:
    assert command(metadata={"depth": said}).depth == depth
