"""Messages that somebody writes into a conversation: which one, by whom, and where they go."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.defaults import default_rules
from schemas.chat import AuthorKind, Authorship, Reply
from schemas.commands import Command
from schemas.configuration import Channel
from schemas.events import Event, Kind
from streams import identity, replies
from streams.decisions import Outcome, decide
from streams.normalization import events
from streams.normalization.raw import RawRecord
from tests.streams.samples_configuration import CHANNEL, OTHER_TENANT, configuration

PHONE_12 = "554799990001@c.us"
PHONE_13 = "5547999990001@c.us"
LID = "100000000000001@lid"
GROUP = "120363000000000001@g.us"
QUESTION = "7d1a2b34-0000-5000-8000-000000000001"
RULES = tuple(rule for rule in default_rules() if rule.id == "chat.outbound.message")


def event(to: str = PHONE_12, conversation_id: str = "canalum:554799990001", key: str = "r-1", **changes: Any) -> Event:
    """What the hub makes of a reply, on its way through the raw topic and the normalizer."""
    reply = Reply(to=to, text="Olá!", conversation_id=conversation_id, author="Ana", in_reply_to=QUESTION)
    told = replies.event_of(
        reply,
        AuthorKind.HUMAN,
        external_id=key,
        tenant_id=CHANNEL.tenant.id,
        channel=CHANNEL.channel_id,
        conversation_id=conversation_id,
    )
    body = msgspec.to_builtins(told)
    body["payload"] |= changes.pop("payload", {})
    raw = RawRecord.of("raw.event", 1, 7, 1768512935000, [])
    return events.normalize(msgspec.json.encode(body | changes), raw)


def decided(one: Event, *entries: Any) -> Outcome:
    return decide(one, configuration(*(entries or (CHANNEL,)), *RULES))


def commanded(one: Event) -> Command:
    outcome = decided(one)
    assert outcome.kind is Kind.ACCEPTED, outcome.error
    assert outcome.command is not None
    return outcome.command


def rejected(one: Event, *entries: Any) -> str:
    outcome = decided(one, *entries)
    assert (outcome.kind, outcome.command) == (Kind.REJECTED, None)
    return str(outcome.error)


@pytest.mark.parametrize("to", [PHONE_12, PHONE_13, LID, GROUP, "5547999990001@s.whatsapp.net"])
def test_a_reply_goes_to_exactly_the_identity_that_it_names(to: str) -> None:
    conversation_id = f"canalum:{identity.match_key(to)}"
    command = commanded(event(to, conversation_id))
    assert (command.to, command.conversation_id, command.text) == (to, conversation_id, "Olá!")


def test_its_command_says_who_wrote_it_and_in_answer_to_what() -> None:
    assert commanded(event()).authorship == Authorship(author_kind=AuthorKind.HUMAN, author="Ana", in_reply_to=QUESTION)
    answered = commanded(event(metadata={"author_kind": "ai"})).authorship
    assert answered is not None
    assert answered.author_kind is AuthorKind.AI


def test_a_message_of_which_nothing_is_told_is_a_persons() -> None:
    assert commanded(event(metadata={})).authorship == Authorship(
        author_kind=AuthorKind.HUMAN, author="Ana", in_reply_to=QUESTION
    )


def test_a_reply_to_a_linked_contact_lands_in_the_conversation_that_it_names() -> None:
    told = event(LID, "canalum:554799990001")
    assert told.conversation_id == "canalum:554799990001"
    assert (commanded(told).conversation_id, commanded(told).to) == ("canalum:554799990001", LID)


def test_a_message_that_names_no_conversation_belongs_to_that_of_its_recipient() -> None:
    told = event(PHONE_13, payload={"conversation_id": None})
    assert told.conversation_id == commanded(told).conversation_id == "canalum:554799990001"


@pytest.mark.parametrize(
    "named", ["canaldois:554799990001", "canalum", "canalum:5547999990001", "canalum:", ":", "canalum:a@b"]
)
def test_a_conversation_of_another_channel_or_none_at_all_is_rejected(named: str) -> None:
    told = event(payload={"conversation_id": named})
    assert rejected(told) == "payload.conversation_id: is no conversation of channel canalum, which sends the message"
    assert told.conversation_id == "canalum:554799990001"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metadata": {"author_kind": "robot"}}, "metadata.author_kind: must be one of human, ai, rule"),
        ({"metadata": {"author_kind": ["ai"]}}, "metadata.author_kind: must be one of human, ai, rule"),
        ({"payload": {"author": 7}}, "payload.author: must be a text of at most 191 characters"),
        ({"payload": {"in_reply_to": "x" * 37}}, "payload.in_reply_to: must be a text of at most 36 characters"),
    ],
)
def test_a_message_by_nobody_that_there_could_be_is_rejected(changes: dict[str, Any], reason: str) -> None:
    assert rejected(event(**changes)) == reason


def test_a_reply_by_a_channel_that_has_another_tenant_by_now_or_is_disabled_is_rejected() -> None:
    moved: Channel = msgspec.structs.replace(CHANNEL, tenant=OTHER_TENANT)
    assert rejected(event(), moved) == "channel canalum does not belong to tenant 1"
    assert rejected(event(), msgspec.structs.replace(CHANNEL, is_enabled=False)) == "channel canalum is disabled"


def test_one_key_of_a_conversation_is_one_message_and_of_two_conversations_two() -> None:
    assert event().event_id == event().event_id
    assert event().fingerprint == event().fingerprint
    assert event().event_id != event(LID, f"canalum:{LID}").event_id
    assert event(key="r-2").event_id != event().event_id


def test_the_messages_of_a_conversation_stay_in_order() -> None:
    assert event().stream_key == event(key="r-2").stream_key == "canalum:554799990001"


@given(st.text(max_size=40), st.sampled_from(["a", "a:b", "canalum"]))
def test_what_is_read_as_a_conversation_is_one_of_its_own_channel_alone(named: str, channel: str) -> None:
    of = replies.conversation_of("chat.outbound.message", {"conversation_id": named}, channel, None)
    assert of is None or of.rpartition(":")[0] == channel
