import asyncio

import pytest

from schemas.deliveries import Status
from streams.runtime.errors import BrokenInvariantError, HandingOverError
from streams.sending.inputs import Sent, Take
from streams.sending.outboxes import Outboxes
from tests.streams.sending.world import PARTITION, World, command, settle

ONE = command("one")
TWO = command("two", contact="554799990002")


class Owner:
    """Outboxes in a world of memory, and the errors that they died of."""

    def __init__(self) -> None:
        self.world = World()
        self.errors: list[BaseException] = []
        self.outboxes = Outboxes(self.world.around, grace=10, fatal=self.errors.append)

    async def assigned(self, *partitions: int) -> None:
        await self.outboxes.assigned(frozenset(partitions))
        await settle()

    async def take(self, partition: int = PARTITION) -> None:
        await self.outboxes.take({partition: [Take(ONE if partition == PARTITION else TWO)]})
        await settle()


async def test_a_partition_is_claimed_for_as_long_as_it_is_owned() -> None:
    owner = Owner()
    await owner.assigned(PARTITION, 5)
    assert owner.world.log.claimed == {PARTITION, 5}
    await owner.assigned(5)
    assert owner.world.log.claimed == {5}
    await owner.outboxes.release()
    assert owner.world.log.claimed == set()


async def test_each_partition_gets_what_came_in_for_it() -> None:
    owner = Owner()
    await owner.assigned(PARTITION, 5)
    await owner.outboxes.take({PARTITION: [Take(ONE)], 5: [Take(TWO)]})
    await settle()
    assert {request.command.command_id for request in owner.world.requests} == {ONE.command_id, TWO.command_id}
    assert [fact.command_id for fact in owner.world.log.facts[5]] == [TWO.command_id] * 2


async def test_a_partition_that_stays_is_not_taken_over_again() -> None:
    owner = Owner()
    await owner.assigned(PARTITION)
    await owner.take()
    await owner.assigned(PARTITION, 5)
    await owner.world.requests[0].reply(Sent(1))
    assert owner.world.status(ONE) is Status.SENT


async def test_a_partition_that_left_is_handed_over() -> None:
    owner = Owner()
    await owner.assigned(PARTITION, 5)
    await owner.assigned(5)
    with pytest.raises(BrokenInvariantError, match=f"{PARTITION}"):
        await owner.take()
    await owner.take(5)
    assert len(owner.world.requests) == 1


async def test_a_release_waits_for_answers_and_the_next_owner_goes_on() -> None:
    owner = Owner()
    await owner.assigned(PARTITION)
    await owner.take()
    releasing = asyncio.create_task(owner.outboxes.release())
    await settle()
    assert not releasing.done()
    await owner.world.requests[0].reply(Sent(1))
    await releasing
    await owner.assigned(PARTITION)
    assert owner.world.status(ONE) is Status.SENT
    assert owner.errors == []


async def test_what_comes_in_between_two_assignments_is_for_the_next_owner() -> None:
    owner = Owner()
    with pytest.raises(HandingOverError):
        await owner.take()
    await owner.assigned(PARTITION)
    await owner.outboxes.release()
    with pytest.raises(HandingOverError):
        await owner.take()


async def test_a_release_ends_a_take_over_that_is_under_way_and_nothing_of_it_is_sent() -> None:
    owner = Owner()
    owner.world.log.readable.clear()
    taking = asyncio.create_task(owner.outboxes.assigned(frozenset([PARTITION])))
    await settle()
    await owner.outboxes.release()
    owner.world.log.readable.set()
    await taking
    await settle()
    assert owner.world.requests == []
    assert owner.world.log.claimed == set()
    with pytest.raises(HandingOverError):
        await owner.take()


async def test_an_assignment_that_comes_in_between_is_the_only_one_that_counts() -> None:
    owner = Owner()
    owner.world.log.readable.clear()
    first = asyncio.create_task(owner.outboxes.assigned(frozenset([PARTITION])))
    await settle()
    second = asyncio.create_task(owner.outboxes.assigned(frozenset([5])))
    await settle()
    owner.world.log.readable.set()
    await asyncio.gather(first, second)
    await owner.take(5)
    assert len(owner.world.requests) == 1
    with pytest.raises(BrokenInvariantError, match=f"{PARTITION}"):
        await owner.take()


async def test_a_second_release_waits_for_the_answers_that_the_first_waits_for() -> None:
    owner = Owner()
    await owner.assigned(PARTITION)
    await owner.take()
    first = asyncio.create_task(owner.outboxes.release())
    await settle()
    second = asyncio.create_task(owner.outboxes.release())
    await settle()
    assert not second.done()
    await owner.world.requests[0].reply(Sent(1))
    await asyncio.gather(first, second)
    assert owner.world.status(ONE) is Status.SENT


async def test_once_sending_stopped_commands_are_taken_and_none_leaves() -> None:
    owner = Owner()
    await owner.assigned(PARTITION)
    owner.outboxes.start_nothing_more()
    await owner.take()
    assert owner.world.requests == []
    assert owner.world.status(ONE) is Status.QUEUED


async def test_an_error_that_ends_an_outbox_is_reported() -> None:
    owner = Owner()
    await owner.assigned(PARTITION)
    owner.world.log.error = RuntimeError("the log is broken")
    with pytest.raises(HandingOverError):
        await owner.take()
    await settle()
    (error,) = owner.errors
    assert isinstance(error, ExceptionGroup)
    await owner.outboxes.release()
