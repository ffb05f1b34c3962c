"""Channels that go down and come back, and what waits for them."""

import asyncio
import uuid
from typing import Any

import msgspec
import pytest

from schemas.alarms import AlarmKind
from schemas.commands import Policy
from schemas.deliveries import Evidence, EvidenceKind, FactKind, Status
from schemas.events import Coordinates
from streams.sending.desk import Found
from streams.sending.inputs import NotSent, Sent, Unclear
from tests.streams.sending.world import CHANNEL, PARTITION, START, World, command, seconds

ONE = command("one")
DOWN = NotSent(1, "channel_down")


def told(kind: EvidenceKind = EvidenceKind.CHANNEL_STATE, after: float = 0, **changes: Any) -> Found:
    """A piece of evidence about the channel, so many seconds after the start."""
    fields: dict[str, Any] = {
        "kind": kind,
        "event_id": str(uuid.uuid4()),
        "trace_id": "t",
        "at": START + seconds(after),
        "received_at": START + seconds(after),
        "channel": "canalum",
    }
    return Found(Evidence(**(fields | changes)), Coordinates("delivery.evidence", PARTITION, 9))


def state(word: str, after: float = 0, **changes: Any) -> Found:
    return told(channel_state=word, after=after, **changes)


def many(count: int) -> list[Any]:
    return [command(str(number), contact=str(number)) for number in range(count)]


@pytest.mark.parametrize("word", ["disconnected", "qr_required"])
async def test_what_comes_for_a_channel_that_is_down_is_parked_once_and_not_tried(word: str) -> None:
    world = await World().start()
    await world.take(state(word), ONE)
    await world.clock.advance(600)
    assert world.requests == []
    assert world.kinds(ONE) == [FactKind.ACCEPTED, FactKind.PARKED]
    assert (world.status(ONE), world.facts(ONE)[-1].reason) == (Status.PARKED, word)


@pytest.mark.parametrize("word", ["connected", "tired", ""])
async def test_a_state_that_nobody_knows_is_as_good_as_connected(word: str) -> None:
    world = await World().start()
    await world.take(state(word), ONE)
    assert len(world.requests) == 1


async def test_all_that_waits_is_parked_when_its_channel_goes_down_and_goes_out_in_order_when_it_is_back() -> None:
    world = await World(per_channel=1, slots=1).start()
    waiting = many(300)
    await world.take(state("disconnected"), *waiting)
    assert {world.status(each) for each in waiting} == {Status.PARKED}
    await world.take(state("connected", after=1))
    while world.open_requests:
        await world.open_requests[0].reply(Sent(1))
    assert [request.command for request in world.requests] == waiting
    assert {world.status(each) for each in waiting} == {Status.SENT}


@pytest.mark.parametrize("kind", [EvidenceKind.ACK, EvidenceKind.ECHO, EvidenceKind.INBOUND])
async def test_any_newer_sign_of_life_releases_what_is_parked(kind: EvidenceKind) -> None:
    world = await World().start()
    await world.take(state("disconnected", after=10), ONE)
    await world.take(told(kind, after=9))
    assert world.requests == []
    await world.take(told(kind, after=11))
    assert len(world.requests) == 1


async def test_an_older_state_does_not_override_newer_evidence() -> None:
    world = await World().start()
    await world.take(told(EvidenceKind.INBOUND, after=10), state("disconnected", after=9), ONE)
    assert len(world.requests) == 1


async def test_a_state_from_the_future_counts_from_when_it_was_received() -> None:
    world = await World().start()
    await world.take(state("disconnected", at=START + seconds(10**7)), ONE)
    await world.take(state("connected", after=1))
    assert len(world.requests) == 1


async def test_the_gateways_word_parks_a_channel_and_the_attempt_does_not_count() -> None:
    world = await World().start()
    await world.take(ONE)
    for attempt in range(1, 10):
        await world.requests[-1].reply(NotSent(attempt, "channel_down"))
        assert world.status(ONE) is Status.PARKED
        await world.clock.advance(60)
        await world.take(state("connected", after=60 * attempt))
    await world.requests[-1].reply(Sent(10))
    assert (world.status(ONE), len(world.requests)) == (Status.SENT, 10)


async def test_a_channel_is_asked_for_while_something_is_parked_for_it_and_no_longer() -> None:
    world = await World().start()
    world.states["Canal Um"] = "disconnected"
    await world.take(state("disconnected"))
    await world.clock.advance(60)
    assert world.asked == []
    await world.take(ONE)
    await world.clock.advance(46)
    assert world.asked == ["Canal Um"] * 3
    world.states["Canal Um"] = "connected"
    await world.clock.advance(15)
    assert len(world.requests) == 1
    await world.requests[0].reply(Sent(1))
    await world.clock.advance(600)
    assert len(world.asked) == 4


async def test_a_channel_is_asked_for_also_where_a_timer_rings_too_early() -> None:
    world = await World().start()
    world.states["Canal Um"] = "connected"
    await world.take(state("disconnected"), ONE)
    await world.clock.ring_early(0.001)
    await world.clock.advance(15)
    assert world.asked == ["Canal Um"]
    assert len(world.requests) == 1


async def test_a_state_told_with_a_whole_second_ends_what_was_seen_in_that_second() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.clock.advance(0.4)
    await world.requests[0].reply(DOWN)
    await world.take(state("connected", at=START, received_at=START + seconds(0.6)))
    assert len(world.requests) == 2


@pytest.mark.parametrize("word", ["disconnected", "qr_required", "initializing", None])
async def test_a_poll_that_does_not_say_connected_releases_nothing(word: str | None) -> None:
    world = await World().start()
    world.states["Canal Um"] = word
    await world.take(state("disconnected"), ONE)
    await world.clock.advance(3600)
    assert world.requests == []


async def test_what_is_parked_expires_at_its_time() -> None:
    world = await World().start()
    brief = command("brief", expires_at=START + seconds(30))
    await world.take(state("disconnected"), brief)
    await world.clock.advance(30)
    await world.take(state("connected", after=31))
    assert (world.status(brief), world.requests) == (Status.EXPIRED, [])


async def test_what_is_for_later_is_parked_at_its_time() -> None:
    world = await World().start()
    later = command("later", not_before=START + seconds(60))
    await world.take(state("disconnected"), later)
    assert world.status(later) is Status.QUEUED
    await world.clock.advance(60)
    assert world.status(later) is Status.PARKED


async def test_a_new_owner_knows_from_the_log_what_is_down_and_asks_at_once() -> None:
    world = await World().start()
    await world.take(state("disconnected"), ONE)
    await world.crash()
    world.table.data = {}
    await world.start()
    await world.clock.advance(1)
    assert (world.requests, world.asked) == ([], ["Canal Um"])
    world.states["Canal Um"] = "connected"
    await world.clock.advance(15)
    assert len(world.requests) == 1
    assert world.kinds(ONE).count(FactKind.PARKED) == 1


async def test_what_is_parked_for_a_channel_that_is_disabled_fails() -> None:
    world = await World().start()
    await world.take(state("disconnected"), ONE)
    world.channels["canalum"] = msgspec.structs.replace(CHANNEL, is_enabled=False)
    await world.clock.advance(60)
    assert (world.status(ONE), world.facts(ONE)[-1].reason) == (Status.FAILED, "channel_changed")


async def test_a_channel_that_is_down_holds_up_no_other() -> None:
    world = await World().start()
    world.channels["quick"] = msgspec.structs.replace(CHANNEL, id="quick", channel_id="quick")
    await world.take(state("disconnected"), *many(50), command("quick", channel="quick"))
    assert [request.command.channel for request in world.requests] == ["quick"]


async def test_a_channel_that_is_down_while_something_waits_is_an_alarm_that_rises_and_ends() -> None:
    world = await World().start()
    await world.take(state("disconnected"))
    await world.clock.advance(50)
    assert world.alarms == []
    await world.take(ONE)
    await world.clock.advance(1760)
    raised = [(alarm.kind, alarm.subject, alarm.stage, alarm.at - START) for alarm in world.alarms]
    assert raised == [
        (AlarmKind.CHANNEL_DOWN, "canalum", 1, seconds(60)),
        (AlarmKind.CHANNEL_DOWN, "canalum", 2, seconds(1800)),
    ]
    await world.take(state("connected", after=1800))
    await world.requests[0].reply(Sent(1))
    await world.clock.advance(30)
    assert (world.alarms[-1].subject, world.alarms[-1].is_over) == ("canalum", True)


async def test_a_channel_that_is_connected_in_word_alone_is_tried_ever_more_rarely_and_its_alarm_rises() -> None:
    world = await World().start()
    world.states["Canal Um"] = "connected"
    await world.take(ONE)
    for _ in range(2000):
        for request in world.open_requests:
            await request.reply(NotSent(request.attempt, "channel_down"))
        await world.clock.advance(1)
    assert 4 <= len(world.requests) < 12
    raised = [alarm for alarm in world.alarms if alarm.kind is AlarmKind.CHANNEL_DOWN]
    assert [(alarm.stage, alarm.is_over) for alarm in raised] == [(1, False), (2, False)]


async def test_what_was_not_parked_before_a_hand_over_does_not_keep_its_owner_busy() -> None:
    world = await World().start()
    await world.take(*many(500))
    world.outbox.start_nothing_more()
    await world.take(state("disconnected"))
    closing = asyncio.create_task(world.outbox.close(5))
    for request in world.open_requests:
        await request.reply(Sent(request.attempt))
    await world.clock.advance(5)
    await asyncio.wait_for(closing, 5)


async def test_a_doubt_that_is_to_be_sent_again_has_its_channel_asked_for() -> None:
    world = await World().start()
    bill = command("bill", policy=Policy.AT_LEAST_ONCE)
    await world.take(bill)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.take(state("disconnected", 1))
    await world.clock.advance(119)
    assert world.asked == []
    world.states["Canal Um"] = "connected"
    await world.clock.advance(60)
    assert [request.attempt for request in world.requests] == [1, 2]
    asked = len(world.asked)
    await world.clock.advance(600)
    assert len(world.asked) == asked


async def test_a_clock_that_is_set_back_does_not_make_the_gateways_word_old_news() -> None:
    world = await World().start()
    await world.clock.advance(7200)
    await world.take(state("disconnected", 7200), ONE)
    world.clock.time -= seconds(7200)
    world.states["Canal Um"] = "connected"
    await world.take(command("two", contact="two"))
    await world.clock.advance(60)
    assert len(world.requests) == 2
