"""Random lives of errands: taken, taken again, answered in every way, crashed and handed over at any moment."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from streams.errands.errand import Answer, Errand, NotYet
from streams.errands.runner import Runner
from tests.streams.errands.world import SCHEDULE, AwayError, World, errand
from tests.streams.sending.world import settle

CHANNELS = ("one", "two")
LONG_ENOUGH = 4_500.0
MOST_TRIES = len(SCHEDULE.waits) + 1


class RunnerModel(RuleBasedStateMachine):
    """What must be true: what was taken is never lost, is tried a bounded number of times, and ends in an outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.taken: dict[bytes, Errand] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        with capture_logs():  # drawing the errors would take most of the time
            return self.loop.run(work)

    @initialize()
    def first_owner(self) -> None:
        self.runner: Runner = self.run(self._first())

    async def _first(self) -> Runner:
        self.world = World(slots=3, per_channel=2)
        return await self.world.start()

    @rule(channel=st.sampled_from(CHANNELS), after=st.sampled_from([0.0, 30.0, 500.0]), answers=st.data())
    def take(self, channel: str, after: float, answers: st.DataObject) -> None:
        new = errand(str(len(self.taken)), channel, after)
        kinds: list[Answer | Exception] = [NotYet("no"), NotYet("wait", 400.0), ValueError("boom"), AwayError("away")]
        self.world.errander.answers[new.id] = answers.draw(st.lists(st.sampled_from(kinds), max_size=8))
        self.taken[new.id] = new
        self.run(self._take(new))

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def take_again(self, data: st.DataObject) -> None:
        self.run(self._take(data.draw(st.sampled_from(list(self.taken.values())))))

    async def _take(self, errand: Errand) -> None:
        await self.runner.take([errand])
        await settle()

    @rule(channel=st.sampled_from(CHANNELS))
    def hang(self, channel: str) -> None:
        self.world.errander.hang.symmetric_difference_update({channel})
        self.run(settle())

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.world.clock.advance(seconds))

    @rule(is_clear=st.booleans())
    def kafka_answers_or_not(self, is_clear: bool) -> None:
        (self.world.publisher.gate.set if is_clear else self.world.publisher.gate.clear)()
        self.run(settle())

    @rule()
    def crash(self) -> None:
        self.run(self.world.crash())
        self.runner = self.run(self.world.start())

    @rule()
    def hand_over(self) -> None:
        self.world.publisher.gate.set()
        self.run(self.runner.close(0))
        self.runner = self.run(self.world.start())

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.taken:
            over = {key for key, _ in self.world.outcomes}
            assert set(self.taken) <= over | self.world.left

    @invariant()
    def tries_are_bounded(self) -> None:
        if self.taken:
            assert all(attempts < MOST_TRIES for _, attempts in self.world.errander.tries)

    @invariant()
    def bounds_are_kept(self) -> None:
        if self.taken:
            assert self.world.errander.most_under_way <= 3

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.run(self._end())
        self.loop.close()

    async def _end(self) -> None:
        """With a gateway that answers and time enough, every errand ends."""
        self.world.errander.hang.clear()
        self.world.publisher.gate.set()
        await settle()
        for _ in range(3):
            await self.world.clock.advance(LONG_ENOUGH / 3)
        assert self.world.left == set()
        assert {key for key, _ in self.world.outcomes} == set(self.taken)
        await self.runner.close(0)


TestRunnerModel = RunnerModel.TestCase
