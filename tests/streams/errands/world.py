"""Runners in a world of memory: a table, a publisher, who does the errands, and a clock that the test moves."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from streams.errands.errand import Answer, Done, Emission, Errand
from streams.errands.runner import Runner, Surroundings
from streams.errands.schedule import Schedule
from streams.runtime.publisher import Out
from streams.sending.slots import Slots
from tests.streams.sending.world import START, Clock, settle

PARTITION = 3
OUTCOMES = "outcomes"
SCHEDULE = Schedule(waits=(30.0, 60.0, 300.0))


class AwayError(Exception):
    """What is waited out."""


def errand(name: str = "one", channel: str = "canalum", after: float = 0.0) -> Errand:
    """An errand that is due some seconds after the start."""
    return Errand(name.encode(), channel, b"body of " + name.encode(), START + timedelta(seconds=after))


def outcome(name: str) -> Done:
    """What a test's errand brings about."""
    return Done((Emission(OUTCOMES, name.encode(), b"done"),))


class Errander:
    """Answers as the test says: an answer, an error, or nothing until the test lets it (`hang`)."""

    def __init__(self) -> None:
        self.answers: dict[bytes, list[Answer | Exception]] = {}
        self.hang: set[str] = set()
        self.tries: list[tuple[bytes, int]] = []
        self.under_way: list[bytes] = []
        self.most_under_way = 0

    async def attempt(self, errand: Errand, /) -> Answer:
        self.tries.append((errand.id, errand.attempts))
        self.under_way.append(errand.id)
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        try:
            await asyncio.sleep(0)
            while errand.channel in self.hang:  # noqa: ASYNC110  # nothing here takes time
                await asyncio.sleep(0)
        finally:
            self.under_way.remove(errand.id)
        answers = self.answers.get(errand.id)
        answer = answers.pop(0) if answers else outcome(errand.id.decode())
        if isinstance(answer, Exception):
            raise answer
        return answer

    def give_up(self, errand: Errand, reason: str, /) -> Done:
        return Done((Emission(OUTCOMES, errand.id, f"gave up after {errand.attempts}: {reason}".encode()),))


class Table:
    """The table; `gate` lets writes through."""

    def __init__(self) -> None:
        self.data: dict[int, dict[bytes, bytes]] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.data.get(partition, {}).get(key)

    def items(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        return self.data.get(partition, {}).items()

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        await self.gate.wait()
        held = self.data.setdefault(partition, {})
        for key, value in changes.items():
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value


class Publisher:
    """Keeps what is published; `gate` lets it through."""

    def __init__(self) -> None:
        self.published: list[tuple[bytes | None, bytes | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def partitions(self, topic: str) -> int:
        return 8

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> Any:
        await self.gate.wait()
        self.published += [(out.key, out.value) for records in outs.values() for out in records]


class World:
    """All of it, and the runner of one partition."""

    def __init__(self, *, slots: int = 8, per_channel: int = 2) -> None:
        self.clock = Clock()
        self.table = Table()
        self.errander = Errander()
        self.publisher = Publisher()
        self.slots = Slots(slots)
        self.per_channel = per_channel
        self.running: asyncio.Task[None] | None = None

    @property
    def around(self) -> Surroundings:
        return Surroundings(
            kind="test",
            errander=self.errander,
            table=self.table,
            publisher=self.publisher,
            clock=self.clock,
            slots=self.slots,
            per_channel=self.per_channel,
            schedule=SCHEDULE,
            transient=(AwayError,),
        )

    async def start(self) -> Runner:
        """A runner that owns the partition as the table has it."""
        runner = Runner(PARTITION, self.around)
        await runner.recover()
        self.running = asyncio.create_task(runner.run())
        await settle()
        return runner

    async def crash(self) -> None:
        """The runner is gone, in the middle of whatever it did."""
        assert self.running is not None
        self.running.cancel()
        await asyncio.wait({self.running})

    @property
    def outcomes(self) -> list[tuple[bytes | None, bytes | None]]:
        return self.publisher.published

    @property
    def left(self) -> set[bytes]:
        """What the table holds."""
        return set(self.table.data.get(PARTITION, {}))
