"""An owner that loses its partition, as planned or not: what leaves, what is written, what is told as evidence."""

import asyncio

import pytest

from schemas.deliveries import Evidence, FactKind, Status
from streams.deliveries import fold
from streams.runtime.errors import HandingOverError, OwnershipLostError
from streams.sending.inputs import Answer, NotSent, Sent, Start, Take, Withdrawn
from streams.sending.late_answers import answer_in, is_about
from streams.sending.machine import transition
from tests.streams.sending.world import LEASE, SCHEDULE, START, World, command, settle

ONE = command("one")
TWO = command("two", contact="554799990002")


async def lose(world: World) -> None:
    """Let somebody else claim the log; the test world's own owner is told of it, as `Owners` would be."""
    world.log.error = OwnershipLostError("claimed by another")
    world.task.add_done_callback(lambda task: task.exception())


async def test_a_request_leaves_only_while_its_acknowledgement_is_fresh() -> None:
    world = await World().start()
    world.log.gate.clear()
    taking = asyncio.create_task(world.take(ONE))
    await settle()
    await world.clock.advance(LEASE)
    world.log.gate.set()
    await taking
    first, second = [fact for fact in world.facts(ONE) if fact.fact is FactKind.ATTEMPT_STARTED]
    (request,) = world.requests
    assert (first.attempt, second.attempt, request.attempt) == (1, 2, 2)
    assert world.kinds(ONE)[-2] is FactKind.NOT_SENT


async def test_nothing_is_attempted_once_the_group_takes_the_partitions_away() -> None:
    world = await World().start()
    world.is_member = False
    await world.take(ONE)
    assert world.status(ONE) is Status.QUEUED
    assert world.requests == []


async def test_an_attempt_that_is_on_record_when_the_group_takes_the_partitions_away_is_withdrawn() -> None:
    world = await World().start()
    world.log.gate.clear()
    taking = asyncio.create_task(world.take(ONE))
    await settle()
    world.is_member = False
    world.log.gate.set()
    await taking
    assert world.requests == []
    assert world.kinds(ONE)[-1] is FactKind.NOT_SENT


def test_attempts_that_were_withdrawn_use_up_none_of_those_that_a_command_has() -> None:
    delivery = transition(None, Take(ONE), START, SCHEDULE).delivery
    for attempt in range(1, SCHEDULE.max_attempts + 3):
        delivery = transition(delivery, Start(), START, SCHEDULE).delivery
        delivery = transition(delivery, Withdrawn(attempt), START, SCHEDULE).delivery
    delivery = transition(delivery, Start(), START, SCHEDULE).delivery
    assert delivery is not None
    delivery = transition(delivery, NotSent(delivery.attempts, "http_429"), START, SCHEDULE).delivery
    assert delivery is not None
    assert delivery.status is Status.RETRYING


async def test_a_hand_over_that_has_time_for_the_answers_leaves_nothing_in_doubt() -> None:
    world = await World().start()
    await world.take(ONE, TWO)
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    for request in world.open_requests:
        await request.reply(Sent(1))
    await closing
    await world.start()
    assert (world.status(ONE), world.status(TWO)) == (Status.SENT, Status.SENT)
    assert FactKind.IN_DOUBT not in world.kinds(ONE)
    assert world.told == []


async def test_an_answer_after_the_hand_over_is_told_as_evidence() -> None:
    world = await World().start()
    await world.take(ONE)
    (request,) = world.requests
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    await world.clock.advance(10)
    await closing
    await world.start()
    assert world.status(ONE) is Status.UNCERTAIN
    await request.reply(Sent(1, "true_1@c.us_3EB0AA17"))
    assert answers(world) == [Sent(1, "true_1@c.us_3EB0AA17")]
    assert is_about(world.told[0], fold(world.facts(ONE)))


async def test_an_owner_that_was_replaced_writes_no_more_and_sends_no_more() -> None:
    world = await World().start()
    await world.take(ONE)
    (request,) = world.requests
    await lose(world)
    behind = command("behind")
    taking = asyncio.create_task(world.outbox.take([Take(behind)]))
    await settle()
    with pytest.raises(OwnershipLostError):
        await world.task
    assert not taking.done()  # until the hand-over: it may not stand in the way of what lies behind it
    closing = asyncio.create_task(world.outbox.close(10))
    with pytest.raises(HandingOverError):
        await taking
    assert not closing.done()
    await request.reply(Sent(1))
    await closing
    assert answers(world) == [Sent(1)]
    assert world.requests == [request]
    with pytest.raises(HandingOverError):
        await world.outbox.take([Take(behind)])


async def test_an_answer_that_could_not_be_written_any_more_is_told_as_evidence() -> None:
    world = await World().start()
    await world.take(ONE)
    await lose(world)
    await world.requests[0].reply(NotSent(1, "http_429", retry_after=60.0))
    await world.outbox.close(10)
    assert answers(world) == [NotSent(1, "http_429", retry_after=60.0)]


async def test_of_an_attempt_that_may_be_on_record_it_is_told_that_it_sent_nothing() -> None:
    world = await World().start()
    await lose(world)
    taking = asyncio.create_task(world.outbox.take([Take(ONE)]))
    await settle()
    await world.outbox.close(10)
    with pytest.raises(HandingOverError):
        await taking
    assert world.requests == []
    assert answers(world) == [Withdrawn(1)]


async def test_an_owner_that_was_replaced_waits_for_answers_no_longer_than_it_may() -> None:
    world = await World().start()
    await world.take(ONE)
    await lose(world)
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    await world.clock.advance(10)
    await closing
    await world.requests[0].reply(Sent(1))
    assert answers(world) == [Sent(1)]


async def test_a_loss_that_shows_during_the_hand_over_is_no_error() -> None:
    world = await World().start()
    await world.take(ONE)
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    await lose(world)
    await world.requests[0].reply(Sent(1))
    await closing
    await world.task
    assert answers(world) == [Sent(1)]


def answers(world: World) -> list[Answer]:
    """What was told as late answers."""
    told: list[Evidence] = world.told
    return [answer_in(evidence) for evidence in told]
