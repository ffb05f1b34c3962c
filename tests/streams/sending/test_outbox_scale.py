"""Many commands and many channels in one partition, in scaled time."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pytest
from hypothesis import settings
from structlog.testing import capture_logs

from schemas.commands import Command
from schemas.deliveries import FactKind
from streams.sending.inputs import Answer, NotSent, Sent, Take
from streams.sending.trouble import Sign
from tests.streams.sending.world import CHANNEL, World, command, seconds

COUNT: Final = 2_000 * settings().max_examples // 100
"""The usual number of commands; forty times as many with `make nightly`."""


class Town(World):
    """A world whose gateway answers by itself after a tenth of a second, unless it is away or a channel hangs."""

    def __init__(self, channels: int) -> None:
        super().__init__(slots=64, per_channel=4)
        names = [f"canal{number}" for number in range(channels)]
        self.channels = {name: msgspec.structs.replace(CHANNEL, id=name, channel_id=name) for name in names}
        self.is_there = True
        self.hanging: set[str] = set()
        self.tries: Counter[str] = Counter()
        self.delivered: list[tuple[datetime, Command]] = []

    async def _carry(self, channel_id: str, asked: Command, attempt: int) -> Answer:
        self.tries[asked.command_id] += 1
        if not self.is_there:
            return NotSent(attempt, "connect_refused")
        answered = asyncio.Event()
        if channel_id not in self.hanging:
            self.clock.call_at(self.clock.now() + seconds(0.1), answered.set)
        await answered.wait()
        self.delivered.append((self.clock.now(), asked))
        return Sent(attempt)

    async def _probe(self, channel_id: str) -> Sign:
        return Sign.THERE if self.is_there else Sign.AWAY


def lines_of(commands: Iterable[Command]) -> dict[tuple[str, str], list[str]]:
    """The commands to each contact of each channel, in their order."""
    lines: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in commands:
        lines[each.channel, each.contact].append(each.command_id)
    return lines


@pytest.mark.timeout(120)
async def test_commands_on_50_channels_wait_for_a_gateway_that_is_away_for_ten_minutes() -> None:
    town = Town(50)
    town.is_there = False
    commands = [
        command(str(number), channel=f"canal{number % 50}", contact=str(number // 50 % 25)) for number in range(COUNT)
    ]
    with capture_logs():
        await town.start()
        taking = asyncio.create_task(town.outbox.take([Take(each) for each in commands]))
        await town.clock.advance(600)
        await taking
        tried = town.tries.total()
        town.is_there, back_at = True, town.clock.now()
        while len(town.delivered) < len(commands):
            await town.clock.advance(5)
            assert town.clock.now() < back_at + seconds(600)
        await town.crash()
    assert tried < 100
    assert town.delivered[0][0] - back_at <= seconds(5)
    assert Counter(each.command_id for _, each in town.delivered) == Counter(each.command_id for each in commands)
    assert lines_of(each for _, each in town.delivered) == lines_of(commands)
    facts = Counter(fact.fact for fact in town.log.facts[3])
    assert facts[FactKind.ANSWERED] == COUNT
    assert facts[FactKind.ATTEMPT_STARTED] == town.tries.total()


async def test_of_200_channels_one_that_hangs_delays_no_other() -> None:
    quiet, disturbed = Town(200), Town(200)
    disturbed.hanging.add("canal7")
    took: list[timedelta] = []
    with capture_logs():
        for town in (quiet, disturbed):
            await town.start()
            await town.take(
                *(command(f"hangs{number}", channel="canal7", contact=str(number)) for number in range(100)),
                *(command(str(n), channel=f"canal{n % 200}", contact=str(n)) for n in range(1_000) if n % 200 != 7),
            )
            others = [each for each in range(1_000) if each % 200 != 7]
            began = town.clock.now()
            while sum(each.channel != "canal7" for _, each in town.delivered) < len(others):
                await town.clock.advance(0.1)
            took.append(town.clock.now() - began)
            await town.crash()
    assert took[1] <= took[0] * 64 / 60 + seconds(0.3)
