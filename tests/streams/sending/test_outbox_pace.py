"""Paces, caps and windows, as commands meet them."""

from datetime import timedelta
from typing import Any

import msgspec

from schemas.commands import Command
from schemas.deliveries import FactKind, Status
from streams.sending.inputs import Sent
from tests.streams.sending.world import CHANNEL, START, World, command, seconds

PACE: dict[str, Any] = {"rule_id": "overdue", "pace": {"every_seconds": 30}}
NIGHT: dict[str, Any] = {"rule_id": "overdue", "send_window": {"from": "20:00", "to": "21:00"}}  # 23:00 UTC; now 12:00


def paced(world: World, **metadata: Any) -> World:
    world.channels["canalum"] = msgspec.structs.replace(CHANNEL, metadata=metadata)
    return world


async def sent(world: World) -> list[tuple[Command, timedelta]]:
    """Answer what is under way; what went out now, and when."""
    went = [(request.command, world.clock.now() - START) for request in world.open_requests]
    while world.open_requests:
        await world.open_requests[0].reply(Sent(world.open_requests[0].attempt))
    return went


async def let_pass(world: World, count: float, step: float = 1) -> list[tuple[Command, timedelta]]:
    went = await sent(world)
    for _ in range(round(count / step)):
        await world.clock.advance(step)
        went += await sent(world)
    return went


def many(count: int, **changes: Any) -> list[Command]:
    return [command(str(number), contact=str(number), **changes) for number in range(count)]


async def test_a_channel_keeps_its_pace() -> None:
    world = await paced(World(), pace={"every_seconds": 30}).start()
    commands = many(5)
    await world.take(*commands)
    went = await let_pass(world, 200)
    assert went == [(each, seconds(30 * number)) for number, each in enumerate(commands)]


async def test_a_rule_keeps_its_pace_and_nobody_elses_messages_wait_for_it() -> None:
    world = await World().start()
    bills, chats = many(3, **PACE), [command(f"chat{number}", contact=str(number)) for number in range(3)]
    await world.take(*bills, *chats)
    went = await let_pass(world, 100)
    assert [each for each in went if each[0] in bills] == [(bills[n], seconds(30 * n)) for n in range(3)]
    assert all(when == seconds(0) for each, when in went if each in chats)


async def test_outside_its_window_a_rule_waits_and_a_reply_to_the_same_contact_does_not() -> None:
    world = await World().start()
    bill, reply = command("bill", **NIGHT), command("reply")
    await world.take(bill, reply)
    assert await sent(world) == [(reply, seconds(0))]
    assert world.status(bill) is Status.QUEUED
    went = await let_pass(world, 12 * 3600, step=60)
    assert went == [(bill, timedelta(hours=11))]


async def test_commands_of_one_rule_to_one_contact_keep_their_order() -> None:
    world = await World(per_channel=4).start()
    bills = [command(str(number), **PACE) for number in range(4)]
    await world.take(*bills)
    assert [each for each, _ in await let_pass(world, 150)] == bills


async def test_a_daily_cap_ends_with_the_tenants_day() -> None:
    world = await paced(World(), pace={"per_day": 3}).start()
    commands = many(8)
    await world.take(*commands)
    went = await let_pass(world, 3 * 86_400, step=3600)
    midnight = timedelta(hours=15)  # 03:00 UTC
    days = [when for _, when in went]
    assert days == [seconds(0)] * 3 + [midnight] * 3 + [midnight + timedelta(days=1)] * 2


async def test_pace_and_cap_survive_a_restart_with_a_snapshot_of_any_age() -> None:
    world = await paced(World(), pace={"every_seconds": 30, "per_day": 4}).start()
    await world.take(*many(3))
    await let_pass(world, 61)
    for is_gone in (False, True):
        await world.crash()
        if is_gone:
            kept = {key: value for key, value in world.table.data[3].items() if key.startswith(b"pace:")}
            world.table.data = {3: kept}  # all but this is read again from the log
        await world.start()
        await world.take(*many(3))
    await world.take(*[command(f"more{number}", contact=f"more{number}") for number in range(3)])
    went = await let_pass(world, 3600, step=10)
    assert len(went) == 1
    assert went[0][1] >= seconds(90)


async def test_a_change_of_the_channels_bounds_is_noticed_within_a_minute() -> None:
    world = await paced(World(), send_window={"from": "20:00", "to": "21:00"}).start()
    await world.take(command())
    assert world.requests == []
    paced(world)
    await world.clock.advance(60)
    assert len(world.requests) == 1


async def test_a_clock_that_is_set_back_holds_up_nobody_for_long() -> None:
    world = await paced(World(), pace={"every_seconds": 30}).start()
    await world.take(*many(2))
    await sent(world)
    world.clock.time -= timedelta(hours=5)
    await world.take(command("later", contact="later"))
    await world.clock.advance(60)
    assert len(world.requests) >= 2


async def test_windows_that_do_not_meet_are_a_recorded_end() -> None:
    world = await paced(World(), send_window={"from": "08:00", "to": "09:00"}).start()
    bill = command("bill", **NIGHT)
    await world.take(bill)
    assert world.requests == []
    assert (world.status(bill), world.facts(bill)[-1].reason) == (Status.FAILED, "never_in_window")


async def test_bounds_of_a_stranger_that_make_no_sense_are_a_recorded_end() -> None:
    world = await World().start()
    bill = command("bill", pace={"every": 3})
    await world.take(bill)
    assert world.requests == []
    assert (world.status(bill), world.facts(bill)[-1].reason) == (Status.FAILED, "invalid_bounds")
    assert "pace" in (world.facts(bill)[-1].message or "")


async def test_what_waits_for_its_window_expires_at_its_time() -> None:
    world = await World().start()
    bill = command("bill", expires_at=START + seconds(3600), **NIGHT)
    await world.take(bill)
    await world.clock.advance(3600)
    assert (world.status(bill), world.kinds(bill)) == (Status.EXPIRED, [FactKind.ACCEPTED, FactKind.EXPIRED])
