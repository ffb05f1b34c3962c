"""What a new owner makes of what the former one left: the log, and a snapshot that may be old or gone."""

import asyncio
import copy

import pytest

from schemas.deliveries import AckStatus, FactKind, OperatorDecision, Status
from schemas.events import Coordinates
from streams.runtime.errors import HandingOverError
from streams.sending import late_answers
from streams.sending.desk import Found
from streams.sending.inputs import NotSent, Refused, Sent, Unclear
from tests.streams.sending.world import (
    PARTITION,
    START,
    World,
    ack,
    command,
    decision,
    echo,
    seconds,
    settle,
)

ONE, TWO = command("one"), command("two")
NAMED = "true_5547999990001@c.us_3EB0AA17"
KEY = "3EB0AA17"


async def test_an_attempt_left_open_becomes_a_doubt_and_is_not_sent_again() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.crash()
    await world.start()
    assert world.status(ONE) is Status.UNCERTAIN
    assert world.facts(ONE)[-1].reason == "owner_lost"
    await world.clock.advance(10_000)
    assert len(world.requests) == 1


async def test_a_doubt_of_a_former_owner_holds_its_contact_for_the_window() -> None:
    world = await World().start()
    await world.take(ONE, TWO)
    await world.crash()
    await world.clock.advance(1000)
    await world.start()
    await world.clock.advance(119)
    await world.crash()
    await world.start()
    assert len(world.requests) == 1
    await world.clock.advance(1)
    assert [request.command for request in world.requests] == [ONE, TWO]


async def test_retries_survive_a_restart() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(NotSent(1, "http_429", retry_after=60))
    await world.crash()
    await world.start()
    await world.clock.advance(59)
    assert len(world.requests) == 1
    await world.clock.advance(1)
    assert [request.attempt for request in world.requests] == [1, 2]


async def test_commands_taken_and_not_started_are_sent_in_their_order() -> None:
    world = await World().start()
    commands = [command(str(number)) for number in range(5)]
    await world.take(*commands)
    await world.requests[0].reply(NotSent(1, "connect_refused"))
    await world.crash()
    await world.start()
    for _ in commands:
        await world.clock.advance(60)
        await world.open_requests[0].reply(Sent(world.open_requests[0].attempt))
    assert [request.command for request in world.requests[1:]] == commands


@pytest.mark.parametrize("snapshot", ["fresh", "old", "gone"])
async def test_the_log_tells_what_the_snapshot_does_not(snapshot: str) -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(NotSent(1, "http_503"))
    world.table.is_frozen = snapshot == "old"
    await world.clock.advance(10)
    await world.requests[1].reply(Sent(2, NAMED))
    if snapshot == "gone":
        world.table.data.clear()
    await world.crash()
    world.table.is_frozen = False
    await world.start()
    await world.clock.advance(1000)
    assert len(world.requests) == 2
    await world.take(ONE, ack(KEY))
    assert len(world.requests) == 2
    assert world.status(ONE) is Status.DELIVERED


async def test_the_snapshot_of_a_stranger_authorises_no_send() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(NotSent(1, "http_503"))
    stale = copy.deepcopy(world.table.data[PARTITION])
    await world.clock.advance(10)
    await world.requests[1].reply(Sent(2))
    await world.crash()
    position = world.table.data[PARTITION][b"position"]
    world.table.data[PARTITION].update(stale)  # a former owner that woke up wrote what it knew
    world.table.data[PARTITION][b"position"] = position
    await world.start()
    await world.clock.advance(1000)
    assert len(world.requests) == 2


async def test_the_log_is_read_from_the_oldest_command_that_may_still_be_sent() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1))
    await world.take(TWO)
    await world.requests[1].reply(NotSent(1, "http_503"))
    other = command("other", contact="554799990002")
    await world.take(other)
    await world.requests[2].reply(Sent(1))
    await world.crash()
    await world.start()
    assert world.log.reads[-1] == (PARTITION, 3)


async def test_a_doubt_that_waits_for_a_person_makes_no_log_longer() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.crash()
    await world.start()
    assert world.log.reads[-1] == (PARTITION, 3)


async def test_acks_find_their_message_after_a_restart() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1, NAMED))
    await world.crash()
    await world.start()
    await world.take(ack(KEY, AckStatus.READ, channel=None))
    assert world.status(ONE) is Status.READ


async def test_an_ack_that_waits_for_its_message_is_let_go_once_the_snapshot_has_it_and_survives_a_crash() -> None:
    world = await World().start()
    await world.take(ONE)
    world.table.gate.clear()
    hearing = asyncio.create_task(world.outbox.take([ack(KEY, AckStatus.READ)]))
    await settle()
    assert not hearing.done()
    world.table.gate.set()
    await hearing
    await world.crash()
    await world.start()
    await world.take(echo(ONE, KEY, 1))
    assert world.status(ONE) is Status.READ


async def test_an_ack_whose_message_became_known_as_the_owner_died_counts_for_the_next_one() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.take(ack(KEY, AckStatus.READ))
    world.table.is_frozen = True
    await world.requests[0].reply(Sent(1, NAMED))
    world.log.facts[PARTITION].pop()  # the ack's fact was not written any more
    await world.crash()
    world.table.is_frozen = False
    await world.start()
    assert world.status(ONE) is Status.READ


@pytest.mark.parametrize("snapshot", ["fresh", "gone"])
async def test_an_echo_finds_what_a_former_owner_had_answered_for(snapshot: str) -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1))
    await world.crash()
    if snapshot == "gone":
        world.table.data.clear()
    await world.start()
    await world.take(echo(ONE, KEY, 3))
    assert world.facts(ONE)[-1].provider_message_id == KEY
    await world.take(echo(ONE, "3EB0AA18", 4))
    assert world.kinds(ONE).count(FactKind.ECHOED) == 1


async def test_what_a_message_said_is_kept_for_its_echo_and_no_longer() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1))
    held = world.table.data[PARTITION]
    assert any(key.startswith(b"content:") for key in held)
    await world.take(echo(TWO, "3EB0AA99", 901))
    await world.take(TWO)
    assert not any(key.startswith(b"content:") for key in held)


@pytest.mark.parametrize("snapshot", ["fresh", "gone"])
async def test_what_has_failed_is_sent_again_with_its_text_read_from_the_log(snapshot: str) -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Refused(1, "http_422"))
    await world.take(decision(ONE, OperatorDecision.RESEND))
    if snapshot == "gone":
        world.table.data.clear()
    world.requests.pop()
    await world.crash()
    await world.start()
    assert world.status(ONE) is Status.UNCERTAIN  # the second request was under way
    await world.take(decision(ONE, OperatorDecision.RESEND, 2))
    assert [(request.command, request.attempt) for request in world.requests[1:]] == [(ONE, 3)]


async def test_a_late_answer_settles_what_its_owner_left_open() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.crash()
    await world.start()
    began = next(fact.at for fact in world.facts(ONE) if fact.fact is FactKind.ATTEMPT_STARTED)
    told = late_answers.evidence_of(ONE, Sent(1, NAMED), START, began=began)
    await world.take(Found(told, Coordinates("delivery.evidence", PARTITION, 12)))
    assert (world.status(ONE), world.facts(ONE)[-1].evidence) == (
        Status.SENT,
        Coordinates("delivery.evidence", PARTITION, 12),
    )
    await world.take(ack(KEY))
    assert world.status(ONE) is Status.DELIVERED


async def test_a_late_answer_of_an_attempt_that_is_not_in_the_log_settles_nothing() -> None:
    world = await World().start()
    await world.take(ONE)
    for attempt, began in ((1, START - seconds(9)), (2, START)):
        told = late_answers.evidence_of(ONE, Refused(attempt, "http_422"), START, began=began)
        await world.take(Found(told, Coordinates("delivery.evidence", PARTITION, 12)))
    assert world.status(ONE) is Status.ATTEMPTING


async def test_a_hand_over_waits_for_answers_and_starts_nothing() -> None:
    world = await World().start()
    await world.take(ONE, TWO)
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    assert not closing.done()
    await world.requests[0].reply(Sent(1))
    await closing
    await world.task
    assert world.status(ONE) is Status.SENT
    assert len(world.requests) == 1
    await world.start()
    assert [request.command for request in world.requests] == [ONE, TWO]
    assert not any(fact.fact is FactKind.IN_DOUBT for fact in world.facts(ONE))


async def test_a_hand_over_waits_no_longer_than_its_grace() -> None:
    world = await World().start()
    await world.take(ONE)
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    await world.clock.advance(9)
    assert not closing.done()
    await world.clock.advance(1)
    await closing
    await world.task
    await world.start()
    assert world.status(ONE) is Status.UNCERTAIN


async def test_an_attempt_recorded_as_the_hand_over_begins_is_made_by_the_next_owner() -> None:
    world = await World().start()
    world.log.gate.clear()
    taking = asyncio.create_task(world.take(ONE))
    await settle()
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    world.log.gate.set()
    await asyncio.gather(taking, closing, world.task)
    assert world.requests == []
    assert world.status(ONE) is Status.RETRYING
    await world.start()
    assert [request.attempt for request in world.requests] == [2]


async def test_what_comes_in_after_a_hand_over_is_for_the_next_owner() -> None:
    world = await World().start()
    await world.outbox.close(10)
    with pytest.raises(HandingOverError):
        await world.take(ONE)
    await world.start()
    await world.take(ONE)
    assert len(world.requests) == 1


async def test_a_snapshot_is_complete_after_a_hand_over_however_slow_the_table() -> None:
    world = await World().start()
    world.table.gate.clear()
    await world.take(ONE, command("later", not_before=START + seconds(60)))
    await world.requests[0].reply(Sent(1, NAMED))
    closing = asyncio.create_task(world.outbox.close(10))
    await settle()
    assert not closing.done()
    world.table.gate.set()
    await closing
    await world.task
    assert world.table.data[PARTITION][b"position"] == str(len(world.log.facts[PARTITION])).encode()
