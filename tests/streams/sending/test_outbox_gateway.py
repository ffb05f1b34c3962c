"""A gateway that goes away and comes back, and what waits for it."""

from dataclasses import replace

import msgspec
import pytest

from schemas.alarms import AlarmKind
from schemas.commands import Command
from schemas.deliveries import FactKind, Status
from streams.sending.inputs import Answer, NotSent, Refused, Sent, Unclear
from streams.sending.trouble import Sign
from tests.streams.sending.world import CHANNEL, START, World, command, seconds

AWAY = NotSent(1, "connect_refused")


def many(count: int, channels: int = 1) -> list[Command]:
    """Commands to as many contacts, by these channels in turn."""
    return [
        command(str(number), contact=str(number), channel=f"canal{number % channels}" if channels > 1 else "canalum")
        for number in range(count)
    ]


def with_channels(world: World, count: int) -> World:
    for number in range(count):
        channel = msgspec.structs.replace(CHANNEL, id=f"canal{number}", channel_id=f"Canal {number}")
        world.channels[channel.id] = channel
    return world


async def answer_all(world: World, answer: Answer) -> None:
    for request in world.open_requests:
        await request.reply(replace(answer, attempt=request.attempt))


async def gone(world: World, count: int = 20) -> list[Command]:
    """Commands of which a first few met a gateway that is away."""
    commands = many(count)
    await world.take(*commands)
    world.sign = Sign.AWAY
    await answer_all(world, AWAY)
    return commands


async def test_while_the_gateway_is_away_nothing_is_tried_and_all_goes_out_once_it_is_back() -> None:
    world = await World().start()
    commands = await gone(world)
    tried = len(world.requests)
    assert tried <= 4 + 4
    await world.clock.advance(600)
    assert len(world.requests) == tried
    assert len(world.probes) >= 250
    world.sign = Sign.THERE
    await world.clock.advance(3)
    while world.open_requests:
        await answer_all(world, Sent(1))
    assert {world.status(each) for each in commands} == {Status.SENT}


async def test_what_failed_by_it_is_parked_counts_no_attempt_and_is_due_at_once_when_it_is_back() -> None:
    world = await World(per_channel=3).start()
    (one, *_) = await gone(world, 3)
    assert (world.status(one), world.facts(one)[-1].reason) == (Status.PARKED, "gateway_down")
    for _ in range(10):
        world.sign = Sign.THERE
        await world.clock.advance(130)
        world.sign = Sign.AWAY
        await answer_all(world, AWAY)
    assert world.status(one) is Status.PARKED
    world.sign = Sign.THERE
    await world.clock.advance(130)
    await answer_all(world, Sent(1))
    assert world.status(one) is Status.SENT


@pytest.mark.parametrize(
    ("reason", "opens"),
    [("connect_timeout", True), ("dns_failure", True), ("gateway_refused_secret", True), ("http_429", False)],
)
async def test_what_every_channel_would_meet_opens_the_breaker(reason: str, opens: bool) -> None:
    world = await World(per_channel=3).start()
    world.sign = Sign.AWAY
    await world.take(*many(3))
    await answer_all(world, NotSent(1, reason))
    assert world.around.breaker.is_open is opens


@pytest.mark.parametrize("reason", ["http_503", "html_504", "read_timeout", "connection_dropped"])
async def test_what_may_be_one_channels_trouble_opens_it_where_several_meet_it(reason: str) -> None:
    alone = await World().start()
    await alone.take(*many(8))
    for _ in range(2):
        await answer_all(alone, Unclear(1, reason))
    assert not alone.around.breaker.is_open
    world = await with_channels(World(), 3).start()
    await world.take(*many(3, channels=3))
    await answer_all(world, Unclear(1, reason))
    assert world.around.breaker.is_open


async def test_any_answer_in_between_shows_that_the_gateway_is_there() -> None:
    world = await World(per_channel=5).start()
    await world.take(*many(5))
    for answer in (AWAY, AWAY, Refused(1, "http_422"), AWAY, AWAY):
        await world.open_requests[0].reply(answer)
    assert not world.around.breaker.is_open


async def test_a_gateway_that_is_back_gets_a_few_first_and_more_as_it_answers() -> None:
    world = await World(slots=64, per_channel=64).start()
    await gone(world, 300)
    await answer_all(world, AWAY)
    world.sign = Sign.THERE
    await world.clock.advance(2)
    under_way = [len(world.open_requests)]
    for _ in range(3):
        await answer_all(world, Sent(1))
        under_way.append(len(world.open_requests))
    assert under_way[0] == 3
    assert under_way == sorted(under_way)
    assert under_way[-1] == 64


async def test_a_channel_that_hangs_does_not_send_a_gateway_away_again_that_is_back() -> None:
    world = await with_channels(World(per_channel=3), 3).start()
    await world.take(*many(3, channels=3))
    await answer_all(world, AWAY)
    await world.clock.advance(2)
    hanging, other, _ = world.open_requests
    await other.reply(Sent(other.attempt))
    await hanging.reply(Unclear(hanging.attempt, "read_timeout"))
    assert not world.around.breaker.is_open


async def test_a_gateway_that_answers_questions_and_takes_no_message_is_tried_ever_more_rarely() -> None:
    world = await World().start()
    await gone(world)
    world.sign = Sign.THERE
    before = len(world.requests)
    for _ in range(600):
        await world.clock.advance(1)
        await answer_all(world, AWAY)
    assert 3 <= len(world.requests) - before < 60


async def test_a_request_that_was_let_through_and_never_made_does_not_keep_the_others_waiting() -> None:
    world = await World(per_channel=1).start()
    await gone(world, 10)
    world.sign = Sign.THERE
    await world.clock.advance(2)
    for _ in range(20):
        await world.clock.advance(2)
        await answer_all(world, Sent(1))
    assert not world.open_requests
    assert len(world.requests) >= 10


async def test_a_gateway_that_is_away_is_an_alarm_that_rises_and_ends() -> None:
    world = await World().start()
    world.alarms.clear()
    await gone(world)
    await world.clock.advance(1801)
    raised = [(alarm.kind, alarm.subject, alarm.stage, alarm.at - START) for alarm in world.alarms]
    assert raised == [
        (AlarmKind.GATEWAY_DOWN, "gateway:80", stage, seconds(age)) for stage, age in ((1, 0), (2, 300), (3, 1800))
    ]
    world.sign = Sign.THERE
    await world.clock.advance(2)
    while world.open_requests:
        await answer_all(world, Sent(1))
    assert (world.alarms[-1].kind, world.alarms[-1].is_over) == (AlarmKind.GATEWAY_DOWN, True)


async def test_a_refused_secret_says_what_to_mend() -> None:
    world = await World().start()
    await world.take(*many(4))
    world.sign = Sign.AWAY
    await answer_all(world, NotSent(1, "gateway_refused_secret"))
    assert "WPP_GATEWAY_SECRET" in world.alarms[-1].message


async def test_while_the_gateway_is_away_what_waits_expires_at_its_time() -> None:
    world = await World().start()
    await gone(world)
    brief = command("brief", contact="brief", expires_at=START + seconds(100))
    await world.take(brief)
    await world.clock.advance(100)
    assert world.status(brief) is Status.EXPIRED


async def test_after_a_restart_what_was_parked_by_it_goes_out_without_a_wait() -> None:
    world = await World().start()
    commands = await gone(world, 3)
    assert world.kinds(commands[0])[-1] is FactKind.PARKED
    await world.crash()
    fresh = World(log=world.log, table=world.table)
    await fresh.start()
    assert len(fresh.requests) == 3
