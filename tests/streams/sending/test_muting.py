"""People and an AI in one conversation: an answer that people have overtaken is never sent."""

from dataclasses import replace
from typing import Any

import msgspec

from schemas.chat import AuthorKind, Authorship
from schemas.commands import Command
from schemas.deliveries import EvidenceKind, FactKind, Status
from schemas.mutes import MuteCause
from streams.sending.desk import Found
from streams.sending.inputs import NotSent, Sent
from tests.streams.sending.world import MUTED_FOR, START, World, command, echo, seconds

CONVERSATION = "canalum:554799990001"
QUESTION = "11111111-1111-5111-8111-111111111111"


def by(kind: AuthorKind, name: str, after: float = 0, **about: Any) -> Command:
    """A message into the conversation, so many seconds after the start."""
    authorship = Authorship(author_kind=kind, **about)
    at = START + seconds(after)
    return command(name, conversation_id=CONVERSATION, authorship=authorship, created_at=at)


def answer(name: str = "answer", asked: float = 0, after: float = 2, event_id: str = QUESTION) -> Command:
    """The answer of an AI to what was asked so many seconds after the start."""
    return by(AuthorKind.AI, name, after, in_reply_to=event_id, asked_at=START + seconds(asked))


def typed(text: str = "Oi, aqui é a Ana", after: float = 1, **changes: Any) -> Found:
    """What somebody typed on the phone."""
    found = echo(command("typed", text=text), "TYPED", after)
    return replace(found, evidence=msgspec.structs.replace(found.evidence, **changes))


def suppressed(world: World, of: Command) -> str | None:
    """Why a command was not sent."""
    assert world.status(of) is Status.SUPPRESSED
    return world.facts(of)[-1].reason


async def test_an_answer_nobody_has_overtaken_is_sent() -> None:
    world = await World().start()
    await world.take(answer())
    assert [request.command for request in world.open_requests] == [answer()]


async def test_an_answer_that_was_asked_for_before_a_person_replied_is_suppressed() -> None:
    world = await World().start()
    human = by(AuthorKind.HUMAN, "human", 1)
    await world.take(human)
    await world.open_requests[0].reply(Sent(1, "id-1"))
    await world.take(answer())
    assert suppressed(world, answer()) == "human_replied"
    assert [mute.conversation_id for mute in world.mutes] == [CONVERSATION]
    assert world.mutes[0].until == human.created_at + MUTED_FOR


async def test_what_is_typed_on_the_phone_silences_the_ai_for_its_time_and_no_longer() -> None:
    world = await World().start()
    await world.take(typed())
    early, late = answer("early", asked=60), answer("late", asked=MUTED_FOR.total_seconds() + 2)
    await world.clock.advance(61)
    await world.take(early)
    assert suppressed(world, early) == "muted_by_human"
    await world.clock.advance(MUTED_FOR.total_seconds())
    await world.take(late)
    assert [request.command for request in world.open_requests] == [late]


async def test_the_echo_of_an_own_message_is_nobody_who_typed() -> None:
    world = await World().start()
    first, second = answer("first"), answer("second")
    await world.take(first)
    await world.take(echo(first, "AAAA", 1))
    await world.open_requests[0].reply(Sent(1, "true_5547999990001@c.us_AAAA"))
    await world.take(echo(first, "AAAA", 2))
    await world.take(second)
    assert world.mutes == []
    assert [request.command for request in world.open_requests] == [second]


async def test_an_answer_that_waits_for_its_next_try_is_suppressed_once_a_person_has_written() -> None:
    world = await World().start()
    await world.take(answer())
    await world.open_requests[0].reply(NotSent(1, "http_500"))
    await world.clock.advance(0.5)
    await world.take(typed())
    await world.clock.advance(5)
    assert suppressed(world, answer()) == "human_replied"
    assert len(world.requests) == 1


async def test_the_next_owner_knows_who_has_the_word() -> None:
    world = await World().start()
    await world.take(typed())
    await world.crash()
    await world.start()
    await world.take(answer())
    assert suppressed(world, answer()) == "human_replied"


async def test_of_an_old_message_that_a_phone_tells_late_only_what_is_under_way_is_late() -> None:
    world = await World().start()
    await world.take(typed(at=START - MUTED_FOR))
    await world.take(answer("under-way", asked=0), answer("later", asked=2))
    assert suppressed(world, answer("under-way")) == "human_replied"
    assert [request.command for request in world.open_requests] == [answer("later", asked=2)]


async def test_what_a_handoff_says_is_sent_and_what_is_asked_after_it_is_not() -> None:
    world = await World().start()
    handoff = typed(kind=EvidenceKind.HANDOFF, event_id=QUESTION, message_key=None)
    await world.take(handoff)
    assert [mute.cause for mute in world.mutes] == [MuteCause.HANDOFF]
    await world.take(answer())
    await world.open_requests[0].reply(Sent(1, "id-1"))
    other = answer("other", asked=3, event_id="22222222-2222-5222-8222-222222222222")
    await world.take(other)
    assert suppressed(world, other) == "muted_by_handoff"
    assert FactKind.ANSWERED in world.kinds(answer())


async def test_another_conversation_and_messages_of_people_and_rules_go_on() -> None:
    world = await World().start()
    await world.take(typed())
    elsewhere = msgspec.structs.replace(
        answer(), contact="554799990002", to="5547999990002", conversation_id="canalum:554799990002"
    )
    rule = by(AuthorKind.RULE, "rule", 2)
    await world.take(elsewhere, rule)
    assert {request.command.command_id for request in world.open_requests} == {
        elsewhere.command_id,
        rule.command_id,
    }
