"""Which command an echo settles, and which it does not."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.commands import Command, Policy
from schemas.deliveries import AckStatus, FactKind, OperatorDecision, Status
from streams.sending.inputs import NotSent, Refused, Sent, Unclear
from streams.sending.windows import Windows
from tests.streams.sending.world import World, ack, command, decision, echo

ONE = command("one", text="Sua fatura venceu")
TWIN = command("twin", text="Sua fatura venceu")
OTHER = command("other", text="Sua fatura venceu", contact="554799990002")
LID = "100000000000001@lid"


async def attempted(*commands: Command) -> World:
    """A world in which each of these has a request under way, or waits for it."""
    world = await World().start()
    await world.take(*commands)
    return world


async def doubtful(*commands: Command) -> World:
    """A world in which each of these is in doubt, and no window of doubt holds anybody."""
    world = await World().start()
    for each in commands:
        await world.take(each)
        await world.open_requests[-1].reply(Unclear(1, "read_timeout"))
        await world.clock.advance(120)
    return world


def ids(world: World, of: Command) -> list[str | None]:
    """The messages that a command's facts name."""
    return [fact.provider_message_id for fact in world.facts(of) if fact.provider_message_id]


async def test_an_echo_settles_a_doubt_and_acks_follow_by_its_id() -> None:
    world = await doubtful(ONE)
    await world.take(echo(ONE, "3EB0AA01", 2))
    assert (world.status(ONE), ids(world, ONE)) == (Status.SENT, ["3EB0AA01"])
    await world.take(ack("3EB0AA01", AckStatus.READ))
    assert world.status(ONE) is Status.READ


async def test_an_ack_that_is_faster_than_the_echo_counts_with_it() -> None:
    world = await doubtful(ONE)
    await world.take(ack("3EB0AA01"))
    assert world.status(ONE) is Status.UNCERTAIN
    await world.take(echo(ONE, "3EB0AA01", 2))
    assert world.status(ONE) is Status.DELIVERED


@pytest.mark.parametrize("answer", [Sent(1), Sent(1, "true_1@c.us_3EB0AA01"), NotSent(1, "http_429"), Unclear(1, "x")])
async def test_an_echo_before_the_answer_settles_the_attempt_and_the_answer_only_adds_to_it(answer: Any) -> None:
    world = await attempted(ONE)
    await world.take(echo(ONE, "3EB0AA01"))
    assert world.status(ONE) is Status.SENT
    await world.requests[0].reply(answer)
    assert world.status(ONE) is Status.SENT
    await world.clock.advance(10_000)
    assert len(world.requests) == 1


async def test_an_answer_without_an_id_gets_it_from_the_echo() -> None:
    world = await attempted(ONE)
    await world.requests[0].reply(Sent(1))
    await world.take(echo(ONE, "3EB0AA01", 1), ack("3EB0AA01"))
    assert (world.status(ONE), ids(world, ONE)) == (Status.DELIVERED, ["3EB0AA01"])


async def test_two_equal_texts_five_seconds_apart_stay_two_messages() -> None:
    world = await attempted(ONE)
    await world.clock.advance(1)
    await world.requests[0].reply(Sent(1))
    await world.clock.advance(4)
    await world.take(TWIN)
    await world.requests[1].reply(Sent(1))
    await world.take(echo(ONE, "3EB0AA01", 0.4), echo(TWIN, "3EB0AA02", 5.4))
    assert (ids(world, ONE), ids(world, TWIN)) == (["3EB0AA01"], ["3EB0AA02"])


async def test_an_echo_is_consumed_once_however_often_it_is_told() -> None:
    world = await attempted(ONE)
    await world.requests[0].reply(Sent(1))
    await world.take(TWIN)
    await world.requests[1].reply(Unclear(1, "read_timeout"))
    await world.take(echo(ONE, "3EB0AA01", 1), echo(ONE, "3EB0AA01", 1))
    await world.take(echo(ONE, "3EB0AA01", 1))
    assert (ids(world, ONE), world.status(TWIN)) == (["3EB0AA01"], Status.UNCERTAIN)


async def test_an_echo_told_before_an_earlier_one_is_not_of_what_began_before_it() -> None:
    world = await doubtful(ONE, TWIN)
    await world.take(echo(TWIN, "3EB0AA02", 121), echo(ONE, "3EB0AA01", 1))
    assert (ids(world, ONE), ids(world, TWIN)) == (["3EB0AA01"], ["3EB0AA02"])


async def test_what_is_typed_on_the_phone_settles_nothing() -> None:
    world = await doubtful(ONE)
    for typed in (
        echo(ONE, "3EB0AA01", text="Outra coisa"),
        echo(ONE, "3EB0AA02", contact="554799990009"),
        echo(ONE, "3EB0AA03", channel="outro"),
        echo(ONE, "3EB0AA04", text=None),
        echo(ONE, "3EB0AA05", channel=None),
        echo(ONE, "3EB0AA06", contact=None),
        echo(ONE, None),
    ):
        await world.take(typed)
    assert (world.status(ONE), ids(world, ONE)) == (Status.UNCERTAIN, [])


@pytest.mark.parametrize(
    ("after", "status"),
    [(-10, Status.UNCERTAIN), (-2, Status.SENT), (0, Status.SENT), (90, Status.SENT), (91, Status.UNCERTAIN)],
)
async def test_an_echo_counts_from_the_attempt_to_90_seconds_after_its_doubt(after: int, status: Status) -> None:
    world = await doubtful(ONE)
    await world.take(echo(ONE, "3EB0AA01", after))
    assert world.status(ONE) is status


async def test_a_time_in_whole_seconds_is_not_before_the_attempt() -> None:
    world = await World(windows=Windows(clock_skew=0)).start()
    await world.clock.advance(0.9)
    await world.take(ONE)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.take(echo(ONE, "3EB0AA01", 0.95))
    assert world.status(ONE) is Status.SENT


@pytest.mark.parametrize("answer", [NotSent(1, "connect_refused"), Refused(1, "http_422")])
async def test_an_attempt_that_surely_sent_nothing_takes_no_echo(answer: Any) -> None:
    world = await attempted(ONE)
    await world.requests[0].reply(answer)
    before = world.status(ONE)
    await world.take(echo(ONE, "3EB0AA01"))
    assert world.status(ONE) is before


async def test_an_echo_goes_above_an_operators_not_sent() -> None:
    world = await attempted(ONE)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.take(decision(ONE, OperatorDecision.NOT_SENT))
    assert world.status(ONE) is Status.FAILED
    await world.take(echo(ONE, "3EB0AA01", 5))
    assert world.status(ONE) is Status.SENT


async def test_an_echo_in_time_prevents_the_resend_of_a_policy() -> None:
    again = command("again", policy=Policy.AT_LEAST_ONCE)
    world = await attempted(again)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.clock.advance(60)
    await world.take(echo(again, "3EB0AA01", 60))
    await world.clock.advance(10_000)
    assert len(world.requests) == 1


async def test_after_a_resend_the_first_echo_is_of_the_first_attempt_and_the_second_of_the_other() -> None:
    again = command("again", policy=Policy.AT_LEAST_ONCE)
    world = await attempted(again)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.clock.advance(120)
    await world.requests[1].reply(Unclear(2, "read_timeout"))
    await world.take(echo(again, "3EB0AA01", 3), echo(again, "3EB0AA02", 121))
    shown = [(fact.attempt, fact.provider_message_id) for fact in world.facts(again) if fact.fact is FactKind.ECHOED]
    assert shown == [(1, "3EB0AA01"), (2, "3EB0AA02")]


async def test_an_echo_by_lid_settles_where_one_attempt_alone_fits() -> None:
    world = await doubtful(ONE)
    await world.take(echo(ONE, "3EB0AA01", contact=LID))
    assert world.status(ONE) is Status.SENT


async def test_an_echo_by_lid_that_two_attempts_fit_settles_none() -> None:
    world = await attempted(ONE, OTHER)
    for request in world.open_requests:
        await request.reply(Unclear(1, "read_timeout"))
    await world.take(echo(ONE, "3EB0AA01", contact=LID))
    assert [world.status(each) for each in (ONE, OTHER)] == [Status.UNCERTAIN] * 2


async def test_an_echo_by_lid_that_may_be_of_an_answered_message_settles_no_doubt() -> None:
    world = await attempted(ONE, OTHER)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.requests[1].reply(Sent(1))
    await world.take(echo(ONE, "3EB0AA01", contact=LID))
    assert world.status(ONE) is Status.UNCERTAIN


async def test_an_echo_that_carries_lid_and_phone_is_of_that_phone() -> None:
    world = await attempted(ONE, OTHER)
    for request in world.open_requests:
        await request.reply(Unclear(1, "read_timeout"))
    await world.take(echo(OTHER, "3EB0AA01", contact=LID, detail={"same_contact": OTHER.contact}))
    assert [world.status(each) for each in (ONE, OTHER)] == [Status.UNCERTAIN, Status.SENT]


async def test_an_echo_of_a_group_is_of_nobody_else() -> None:
    world = await doubtful(ONE)
    await world.take(echo(ONE, "3EB0AA01", contact="120363000000000001@g.us"))
    assert world.status(ONE) is Status.UNCERTAIN


async def test_an_answer_that_names_another_commands_message_is_kept_without_it() -> None:
    world = await attempted(ONE, OTHER)
    await world.requests[0].reply(Sent(1, "true_1@c.us_3EB0AA01"))
    await world.requests[1].reply(Sent(1, "true_1@c.us_3EB0AA01"))
    assert (world.status(OTHER), ids(world, OTHER)) == (Status.SENT, [])
    assert world.facts(OTHER)[-1].reason == "foreign_id"
    await world.take(ack("3EB0AA01", AckStatus.READ))
    assert [world.status(each) for each in (ONE, OTHER)] == [Status.READ, Status.SENT]


async def test_an_echo_whose_id_an_answer_has_named_is_free_for_nobody() -> None:
    world = await attempted(ONE)
    await world.requests[0].reply(Sent(1, "true_1@c.us_3EB0AA01"))
    await world.take(TWIN)
    await world.requests[1].reply(Unclear(1, "read_timeout"))
    await world.take(echo(ONE, "3EB0AA01", 1))
    assert world.status(TWIN) is Status.UNCERTAIN


async def test_of_two_commands_with_one_id_the_first_is_sent_and_the_other_is_logged() -> None:
    world = await attempted(ONE)
    other = command("one", text="Outro texto", contact="554799990002")
    with capture_logs() as logged:
        await world.take(ONE, other)
    [said] = [line for line in logged if line["event"] == "command_contradicted"]
    assert (said["command_id"], said["differs_in"]) == (ONE.command_id, ["contact", "text"])
    assert "Outro" not in str(said)
    assert [request.command for request in world.requests] == [ONE]


@pytest.mark.parametrize("unknown", [{"command_id": command("nobody").command_id}, {"attempt": 7}])
async def test_an_ack_of_what_was_never_attempted_changes_nothing(unknown: dict[str, Any]) -> None:
    world = await doubtful(ONE)
    await world.take(ack(None, AckStatus.READ, **({"command_id": ONE.command_id} | unknown)))
    assert world.status(ONE) is Status.UNCERTAIN
