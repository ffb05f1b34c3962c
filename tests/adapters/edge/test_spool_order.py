"""Whatever happens to the broker, the disk and the process: what was kept is in Kafka, and in order."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adapters.edge import kafka as kafka_log
from adapters.edge.log import LogError
from adapters.edge.spooled import SpooledLog
from tests.adapters.edge.stub_broker import StubBroker
from tests.adapters.edge.test_spooled import drained, entry, log_on
from tests.support.properties import examples

KEYS = (b"canalum", b"canaldois", b"canaltres")

STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 12)),
    st.tuples(st.just("hang"), st.just(0)),
    st.tuples(st.just("answer"), st.just(0)),
    st.tuples(st.just("lose"), st.integers(1, 3)),
    st.tuples(st.just("fail"), st.integers(1, 3)),
    st.tuples(st.just("pass"), st.sampled_from((1, 5, 30))),
    st.tuples(st.just("restart"), st.just(0)),
)


class World:
    """One broker, and one edge after the other; `kept` is what was answered, by key in the order of the requests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.broker = StubBroker()
        self.log = log_on(self.broker, folder, after_seconds=0.01)
        self.kept: dict[bytes, list[bytes]] = {key: [] for key in KEYS}
        self._tasks: list[asyncio.Task[None]] = []
        self._number = 0

    async def run(self, steps: Sequence[tuple[str, int]]) -> None:
        await self.log.__aenter__()
        for name, argument in steps:
            await self._do(name, argument)
        self.broker.up.set()
        await asyncio.gather(*self._tasks)
        await drained(self.log)
        await self.log.__aexit__()

    async def _do(self, name: str, argument: int) -> None:
        match name:
            case "append":
                for _ in range(argument):
                    self._append()
                await asyncio.sleep(0)
            case "hang":
                self.broker.up.clear()
            case "answer":
                self.broker.up.set()
            case "lose":
                self.broker.loses_answers = argument
            case "fail":
                self.broker.fails = argument
            case "pass":
                await asyncio.sleep(argument / 1000)
            case "restart":
                await asyncio.gather(*self._tasks)
                await self.log.__aexit__()
                self.log = log_on(self.broker, self._folder, after_seconds=0.01)
                await self.log.__aenter__()

    def _append(self) -> None:
        self._number += 1
        key = KEYS[self._number % len(KEYS)]
        self._tasks.append(asyncio.create_task(self._keep(self.log, key, b"%d" % self._number)))

    async def _keep(self, log: SpooledLog, key: bytes, value: bytes) -> None:
        self.kept[key].append(value)
        try:
            await log.append([entry(value, key)])
        except LogError:
            self.kept[key].remove(value)


@examples(30)
@given(st.lists(STEPS, max_size=25))
def test_what_was_kept_is_in_kafka_and_in_order_per_key(steps: list[tuple[str, int]]) -> None:
    kafka_log._STOP_SECONDS = 0.02  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        asyncio.run(world.run(steps))
    first_copies = list(dict.fromkeys(world.broker.values))
    for key, kept in world.kept.items():
        of_key = set(kept)
        assert [value for value in first_copies if value in of_key] == kept, key
