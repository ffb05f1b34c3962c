"""What is asked right before a request leaves."""

import asyncio
from dataclasses import replace

from schemas.deliveries import FactKind, Status
from streams.sending.inputs import Answer, Moot, NotSent, Sent, Withheld
from tests.streams.sending.world import START, World, command, seconds, settle

ASKED = command("asked", precondition_url="https://erp/unpaid/7001")


async def asking(answer: Answer | None) -> World:
    world = await World().start()

    async def question(attempt: int) -> Answer | None:
        return replace(answer, attempt=attempt) if answer else None

    world.question = question
    await world.take(ASKED)
    return world


async def test_what_holds_is_sent_after_it_was_asked() -> None:
    world = await asking(None)
    assert world.questions == [(ASKED, 1)]
    await world.requests[0].reply(Sent(1))
    assert world.status(ASKED) is Status.SENT


async def test_a_command_that_names_no_address_asks_nothing() -> None:
    world = await World().start()
    await world.take(command())
    assert (world.questions, len(world.requests)) == ([], 1)


async def test_what_no_longer_holds_is_never_sent() -> None:
    world = await asking(Moot(1))
    await world.clock.advance(3600)
    assert world.requests == []
    assert (world.status(ASKED), world.facts(ASKED)[-1].reason) == (Status.SUPPRESSED, "precondition")


async def test_without_an_answer_it_is_asked_again_by_the_schedule_and_given_up_after_the_last_attempt() -> None:
    world = await asking(NotSent(1, "precondition_unavailable"))
    assert world.status(ASKED) is Status.RETRYING
    await world.clock.advance(600)
    assert (world.requests, len(world.questions)) == ([], 4)
    assert (world.status(ASKED), world.facts(ASKED)[-1].reason) == (Status.FAILED, "precondition_unavailable")


async def test_what_may_not_be_asked_fails_and_says_why() -> None:
    world = await asking(Withheld(1, "precondition_not_allowed", "set POSTO_PRECONDITION_HOSTS"))
    assert world.status(ASKED) is Status.FAILED
    assert "POSTO_PRECONDITION_HOSTS" in (world.facts(ASKED)[-1].message or "")


async def test_a_time_that_ends_while_it_is_asked_ends_the_command() -> None:
    world = await World().start()
    may_answer = asyncio.Event()

    async def question(attempt: int) -> None:
        await may_answer.wait()

    world.question = question
    brief = command("brief", precondition_url="https://erp/", expires_at=START + seconds(30))
    await world.take(brief)
    await world.clock.advance(30)
    may_answer.set()
    await settle()
    assert (world.requests, world.status(brief)) == ([], Status.EXPIRED)


async def test_a_partition_that_is_handed_over_while_it_is_asked_leaves_it_to_the_next_owner() -> None:
    world = await World().start()
    may_answer = asyncio.Event()

    async def question(attempt: int) -> None:
        await may_answer.wait()

    world.question = question
    await world.take(ASKED)
    world.outbox.start_nothing_more()
    may_answer.set()
    await settle()
    assert (world.requests, world.status(ASKED)) == ([], Status.RETRYING)
    assert world.kinds(ASKED)[-1] is FactKind.NOT_SENT
