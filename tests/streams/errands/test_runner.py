import asyncio

import pytest

from streams.errands.errand import Done, Errand, NotYet
from streams.errands.errands import Errands
from streams.runtime.errors import HandingOverError
from tests.streams.errands.world import PARTITION, AwayError, World, errand
from tests.streams.sending.world import settle
from tests.support.waiting import eventually


async def test_an_errand_is_done_when_it_is_due_and_not_before() -> None:
    world = World()
    runner = await world.start()

    await runner.take([errand(after=30)])
    await world.clock.advance(29)
    assert world.errander.tries == []
    await world.clock.advance(1)

    assert world.outcomes == [(b"one", b"done")]
    assert world.left == set()


async def test_an_errand_is_safe_before_it_counts_as_taken() -> None:
    world = World()
    runner = await world.start()
    world.table.gate.clear()

    taking = asyncio.create_task(runner.take([errand()]))
    await settle()
    assert not taking.done()
    assert world.errander.tries == []
    world.table.gate.set()
    await taking

    await settle()
    assert world.outcomes == [(b"one", b"done")]


async def test_a_try_that_did_not_help_is_made_again_by_the_schedule_and_then_given_up() -> None:
    world = World()
    world.errander.answers[b"one"] = [NotYet("media_not_found")] * 9
    runner = await world.start()

    await runner.take([errand()])
    await settle()
    for wait in (30, 60, 300):
        before = len(world.errander.tries)
        await world.clock.advance(wait - 1)
        assert len(world.errander.tries) == before
        await world.clock.advance(1)

    assert world.errander.tries == [(b"one", 0), (b"one", 1), (b"one", 2), (b"one", 3)]
    assert world.outcomes == [(b"one", b"gave up after 4: media_not_found")]
    assert world.left == set()


async def test_who_asks_to_wait_longer_is_heard() -> None:
    world = World()
    world.errander.answers[b"one"] = [NotYet("http_429", retry_after=100)]
    runner = await world.start()

    await runner.take([errand()])
    await settle()
    await world.clock.advance(99)
    assert len(world.errander.tries) == 1
    await world.clock.advance(1)

    assert world.outcomes == [(b"one", b"done")]


async def test_an_error_that_nobody_foresaw_is_a_try_and_harms_no_other_errand() -> None:
    world = World()
    world.errander.answers[b"bad"] = [ValueError("boom")] * 9
    runner = await world.start()

    await runner.take([errand("bad"), errand("good")])
    await world.clock.advance(1000)

    assert (b"good", b"done") in world.outcomes
    assert (b"bad", b"gave up after 4: unexpected_error: ValueError") in world.outcomes


async def test_a_fault_that_passes_is_waited_out_and_is_no_try() -> None:
    world = World()
    world.errander.answers[b"one"] = [AwayError("the store is away")] * 20
    runner = await world.start()

    await runner.take([errand()])
    await world.clock.advance(3600)

    assert {attempts for _, attempts in world.errander.tries} == {0}
    assert len(world.errander.tries) == 21
    assert world.outcomes == [(b"one", b"done")]


async def test_an_errand_that_is_known_is_not_taken_again() -> None:
    world = World()
    world.errander.answers[b"one"] = [NotYet("not there")]
    runner = await world.start()

    await runner.take([errand()])
    await settle()
    await runner.take([errand()])
    await settle()

    assert world.errander.tries == [(b"one", 0)]


async def test_a_channel_that_hangs_leaves_the_others_their_share() -> None:
    world = World(slots=4, per_channel=2)
    world.errander.hang.add("hanging")
    runner = await world.start()

    await runner.take([errand(f"h{number}", "hanging") for number in range(10)])
    await settle()
    await runner.take([errand(f"g{number}", "good") for number in range(10)])

    await eventually(lambda: len(world.outcomes) == 10, interval=0)
    assert {key for key, _ in world.outcomes} == {b"g%d" % number for number in range(10)}
    assert world.errander.under_way == [b"h0", b"h1"]
    world.errander.hang.clear()
    await eventually(lambda: len(world.outcomes) == 20, interval=0)
    await runner.close(0)


async def test_no_more_than_the_slots_are_under_way_over_all_partitions() -> None:
    world = World(slots=3, per_channel=100)
    runner, other = await world.start(), await world.start()

    await runner.take([errand(f"a{number}", f"channel-{number}") for number in range(10)])
    await other.take([errand(f"b{number}", f"channel-{number}") for number in range(10)])

    await eventually(lambda: len(world.outcomes) == 20, interval=0)
    assert world.errander.most_under_way == 3


async def test_what_a_crash_interrupted_is_done_by_the_next_owner_with_the_tries_it_had() -> None:
    world = World()
    world.errander.answers[b"one"] = [NotYet("not there")]
    runner = await world.start()
    await runner.take([errand(), errand("later", after=500)])
    await settle()
    world.errander.hang.add("canalum")
    await world.clock.advance(30)
    assert world.errander.under_way == [b"one"]

    await world.crash()
    assert world.errander.under_way == []
    world.errander.hang.clear()
    await world.start()

    assert world.errander.tries == [(b"one", 0), (b"one", 1), (b"one", 1)]
    assert world.outcomes == [(b"one", b"done")]
    assert world.left == {b"later"}


async def test_an_errand_is_forgotten_only_after_its_outcome_is_published() -> None:
    world = World()
    world.publisher.gate.clear()
    runner = await world.start()

    await runner.take([errand()])
    await settle()
    assert world.left == {b"one"}
    await world.crash()
    world.publisher.gate.set()
    await world.start()

    assert world.outcomes == [(b"one", b"done")]
    assert world.left == set()


async def test_a_hand_over_lets_go_what_is_under_way_and_keeps_what_is_being_published() -> None:
    world = World()
    world.errander.hang.add("hanging")
    runner = await world.start()
    world.publisher.gate.clear()
    await runner.take([errand("trying", "hanging"), errand("published"), errand("later", after=500)])
    await settle()

    closing = asyncio.create_task(runner.close(0))
    await settle()
    assert world.errander.under_way == []
    assert not closing.done()
    world.publisher.gate.set()
    await closing

    assert world.outcomes == [(b"published", b"done")]
    assert world.left == {b"trying", b"later"}
    with pytest.raises(HandingOverError):
        await runner.take([errand("new")])


async def test_slots_of_a_partition_that_left_are_free_for_the_others() -> None:
    world = World(slots=1)
    world.errander.hang.add("hanging")
    runner = await world.start()
    await runner.take([errand("one", "hanging")])
    await settle()
    await runner.close(0)

    other = await world.start()
    await other.take([errand("two")])
    world.errander.hang.clear()
    await settle()

    assert (b"two", b"done") in world.outcomes


async def test_a_row_of_another_version_stays_where_it_is_and_hinders_no_other() -> None:
    world = World()
    world.table.data[PARTITION] = {b"odd": b"\x93what is this", b"one": errand().encode()}

    await world.start()

    assert world.outcomes == [(b"one", b"done")]
    assert world.left == {b"odd"}


async def test_an_errand_that_cannot_even_be_given_up_is_left_to_the_next_owner_and_hinders_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: Errand, __: str) -> Done:
        raise ValueError("a body of another version")

    world = World()
    world.errander.answers[b"bad"] = [NotYet("no")] * 4
    monkeypatch.setattr(world.errander, "give_up", refuse)
    runner = await world.start()

    await runner.take([errand("bad"), errand("good", after=1000)])
    await world.clock.advance(2000)

    assert world.outcomes == [(b"good", b"done")]
    assert world.left == {b"bad"}
    monkeypatch.undo()
    await world.start()
    assert world.left == set()


async def test_an_error_of_kafka_ends_the_owner() -> None:
    world = World()
    errors: list[BaseException] = []
    errands = Errands(world.around, fatal=errors.append)
    await errands.assigned(frozenset({PARTITION}))

    async def refuse(outs: object) -> None:
        raise RuntimeError("refused for good")

    world.publisher.publish = refuse  # type: ignore[method-assign]
    await errands.take({PARTITION: [errand()]})
    await settle()

    assert len(errors) == 1
    await errands.release()
