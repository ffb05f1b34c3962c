import asyncio

import msgspec
import pytest

from schemas.commands import Policy
from schemas.configuration import Channel
from schemas.deliveries import AckStatus, EvidenceKind, FactKind, Status
from streams.runtime.errors import HandingOverError
from streams.sending.inputs import NotSent, Refused, Replay, Sent, Unclear
from tests.streams.sending.world import CHANNEL, PARTITION, START, World, ack, command, seconds, settle

ONE, TWO = command("one"), command("two")
NAMED = "true_5547999990001@c.us_3EB0AA17"
KEY = "3EB0AA17"


async def test_a_command_is_sent_once_by_its_channel_and_recorded() -> None:
    world = await World().start()
    await world.take(ONE)
    (request,) = world.requests
    assert (request.channel_id, request.command, request.attempt) == ("Canal Um", ONE, 1)
    await request.reply(Sent(1, NAMED))
    assert world.kinds(ONE) == [FactKind.ACCEPTED, FactKind.ATTEMPT_STARTED, FactKind.ANSWERED]
    assert world.status(ONE) is Status.SENT
    await world.clock.advance(10_000)
    assert len(world.requests) == 1


async def test_no_request_leaves_before_its_attempt_is_acknowledged() -> None:
    world = await World().start()
    world.log.gate.clear()
    taking = asyncio.create_task(world.take(ONE))
    await settle()
    assert world.requests == []
    assert not taking.done()
    world.log.gate.set()
    await taking
    assert len(world.requests) == 1


async def test_a_command_is_let_go_before_the_gateway_answers() -> None:
    world = await World().start()
    await world.take(ONE)
    assert len(world.open_requests) == 1


async def test_a_command_that_comes_again_is_ignored_open_or_closed() -> None:
    world = await World().start()
    await world.take(ONE, command("one", text="Outra"))
    await world.take(ONE)
    await world.requests[0].reply(Sent(1))
    await world.take(ONE)
    assert len(world.requests) == 1
    assert world.kinds(ONE).count(FactKind.ACCEPTED) == 1


async def test_a_replayed_command_is_never_sent() -> None:
    world = await World().start()
    await world.take(Replay(ONE))
    assert world.requests == []
    assert world.status(ONE) is Status.SUPPRESSED


async def test_what_was_not_sent_is_retried_when_due() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(NotSent(1, "http_429", retry_after=60))
    await world.clock.advance(59)
    assert len(world.requests) == 1
    await world.clock.advance(1)
    assert [request.attempt for request in world.requests] == [1, 2]


async def test_commands_to_one_contact_go_out_one_after_the_other() -> None:
    world = await World().start()
    await world.take(ONE, TWO)
    assert [request.command for request in world.requests] == [ONE]
    await world.requests[0].reply(NotSent(1, "connect_refused"))
    assert len(world.requests) == 1
    await world.clock.advance(2)
    await world.requests[1].reply(Sent(2))
    assert [request.command for request in world.requests] == [ONE, ONE, TWO]


async def test_a_refused_command_lets_the_next_one_go() -> None:
    world = await World().start()
    await world.take(ONE, TWO)
    await world.requests[0].reply(Refused(1, "http_422"))
    assert [request.command for request in world.requests] == [ONE, TWO]


async def test_commands_to_other_contacts_do_not_wait() -> None:
    world = await World().start()
    await world.take(ONE, command("other", contact="554799990002"))
    assert len(world.open_requests) == 2


async def test_a_doubt_holds_the_contact_for_its_window_only() -> None:
    world = await World().start()
    await world.take(ONE, TWO)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.clock.advance(119)
    assert len(world.requests) == 1
    await world.clock.advance(1)
    assert [request.command for request in world.requests] == [ONE, TWO]
    assert world.status(ONE) is Status.UNCERTAIN


async def test_evidence_ends_a_doubt_and_its_hold() -> None:
    world = await World().start()
    await world.take(ONE, TWO)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.take(ack(None, AckStatus.SENT, command_id=ONE.command_id))
    assert world.status(ONE) is Status.SENT
    assert [request.command for request in world.requests] == [ONE, TWO]


async def test_a_doubt_is_resent_once_where_the_policy_says_so() -> None:
    world = await World().start()
    again = command("again", policy=Policy.AT_LEAST_ONCE)
    await world.take(again)
    await world.requests[0].reply(Unclear(1, "read_timeout"))
    await world.clock.advance(120)
    assert [request.attempt for request in world.requests] == [1, 2]
    await world.requests[1].reply(Unclear(2, "read_timeout"))
    await world.clock.advance(10_000)
    assert len(world.requests) == 2
    assert world.status(again) is Status.UNCERTAIN


async def test_one_channel_that_hangs_delays_no_other() -> None:
    world = await World(slots=8, per_channel=2).start()
    world.channels["quick"] = Channel(id="quick", channel_id="quick", tenant=CHANNEL.tenant)
    await world.take(*(command(f"hangs{number}", contact=str(number)) for number in range(20)))
    assert len(world.open_requests) == 2
    for number in range(5):
        await world.take(command(f"quick{number}", channel="quick", contact=str(number)))
        await world.open_requests[-1].reply(Sent(1))
    assert len(world.requests) == 2 + 5


async def test_requests_under_way_are_bounded_and_none_is_forgotten() -> None:
    world = await World(slots=3, per_channel=100).start()
    await world.take(*(command(str(number), contact=str(number)) for number in range(10)))
    answered = 0
    while world.open_requests:
        assert len(world.open_requests) <= 3
        await world.open_requests[0].reply(Sent(1))
        answered += 1
    assert answered == 10


@pytest.mark.parametrize("channel", [None, msgspec.structs.replace(CHANNEL, is_enabled=False)])
async def test_a_channel_that_changed_is_not_sent_by(channel: Channel | None) -> None:
    world = await World().start()
    world.channels = {"canalum": channel} if channel else {}
    await world.take(ONE, TWO)
    assert world.requests == []
    assert (world.status(ONE), world.status(TWO)) == (Status.FAILED, Status.FAILED)
    assert world.facts(ONE)[-1].reason == "channel_changed"


async def test_a_command_that_expires_in_line_does_not_wait_for_its_turn() -> None:
    world = await World().start()
    brief = command("brief", expires_at=START + seconds(30))
    await world.take(ONE, brief)
    await world.clock.advance(30)
    assert world.status(brief) is Status.EXPIRED
    await world.requests[0].reply(Sent(1))
    assert len(world.requests) == 1


async def test_a_command_that_expires_while_its_attempt_is_recorded_is_not_sent() -> None:
    world = await World().start()
    brief = command("brief", expires_at=START + seconds(30))
    world.log.gate.clear()
    taking = asyncio.create_task(world.take(brief))
    await settle()
    await world.clock.advance(30)
    world.log.gate.set()
    await taking
    assert world.requests == []
    assert world.status(brief) is Status.EXPIRED


async def test_a_command_for_later_is_sent_at_its_time_and_holds_nobody() -> None:
    world = await World().start()
    later = command("later", not_before=START + seconds(600))
    await world.take(later, ONE)
    assert [request.command for request in world.requests] == [ONE]
    await world.requests[0].reply(Sent(1))
    await world.clock.advance(600)
    assert [request.command for request in world.requests] == [ONE, later]


async def test_an_ack_by_the_messages_id_moves_the_status() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1, NAMED))
    await world.take(ack(KEY, AckStatus.DELIVERED), ack(KEY, AckStatus.READ), ack(KEY, AckStatus.DELIVERED))
    assert world.status(ONE) is Status.READ
    assert world.kinds(ONE).count(FactKind.ACKED) == 2
    assert world.facts(ONE)[-1].evidence == ack(KEY).where


async def test_an_ack_that_is_faster_than_the_answer_counts_when_the_answer_names_its_message() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.take(ack(KEY, AckStatus.DELIVERED), ack("3EB0FF", AckStatus.READ))
    assert world.status(ONE) is Status.ATTEMPTING
    await world.requests[0].reply(Sent(1, NAMED))
    assert world.status(ONE) is Status.DELIVERED


async def test_an_ack_without_a_channel_finds_its_message() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1, NAMED))
    await world.take(ack(KEY, channel=None))
    assert world.status(ONE) is Status.DELIVERED


async def test_an_ack_of_another_channel_or_message_means_nothing() -> None:
    world = await World().start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1, NAMED))
    facts = len(world.facts(ONE))
    await world.take(ack(KEY, channel="outro"), ack("3EB0FF"), ack(KEY, kind=EvidenceKind.ECHO))
    assert len(world.facts(ONE)) == facts


async def test_an_answer_that_names_anothers_message_takes_no_acks_of_it() -> None:
    world = await World().start()
    other = command("other", contact="554799990002")
    await world.take(ONE, other)
    await world.requests[0].reply(Sent(1, NAMED))
    await world.requests[1].reply(Sent(1, NAMED))
    await world.take(ack(KEY))
    assert (world.status(ONE), world.status(other)) == (Status.DELIVERED, Status.SENT)


async def test_an_error_that_nobody_foresaw_ends_the_outbox_and_acknowledges_nothing() -> None:
    world = await World().start()
    world.log.error = RuntimeError("the log is broken")
    with pytest.raises(HandingOverError):
        await world.take(ONE)
    with pytest.raises(ExceptionGroup) as raised:
        await world.task
    assert raised.group_contains(RuntimeError, match="the log is broken")
    assert world.requests == []
    with pytest.raises(HandingOverError):
        await world.take(ONE)


async def test_an_error_in_a_request_ends_the_outbox() -> None:
    world = await World().start()
    await world.take(ONE)
    world.requests[0].answer.set_exception(RuntimeError("no answer of the gateway"))
    with pytest.raises(ExceptionGroup):
        await world.task
    assert world.status(ONE) is Status.ATTEMPTING


async def test_many_commands_at_once_are_all_taken() -> None:
    world = await World(slots=2000, per_channel=2000).start()
    await world.take(*(command(str(number), contact=str(number)) for number in range(1200)))
    assert len(world.requests) == 1200


async def test_a_command_that_is_answered_within_a_moment_makes_one_entry_of_the_table() -> None:
    world = await World(snapshot_lag=3600).start()
    await world.take(ONE)
    await world.requests[0].reply(Sent(1, NAMED))
    assert world.status(ONE) is Status.SENT
    assert world.table.writes == 0

    await world.outbox.close(grace=0)
    assert world.table.writes == 1
    assert world.table.data[PARTITION]


async def test_what_only_the_table_will_have_does_not_wait_for_its_time() -> None:
    world = await World(snapshot_lag=3600).start()
    await world.take(ack(KEY))
    assert world.table.writes == 1
    await world.outbox.close(grace=0)
