"""The loop of a stage: what is decided while something is being published, in which order all of it happens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from streams import topics
from streams.runtime import Batch, Out
from streams.runtime.grace import Grace
from streams.runtime.stage import Stage
from tests.agents.consumed import Consumed
from tests.support.waiting import eventually

GRACE = 0.05


class Consumer:
    """What a stage sees of its consumer."""

    def __init__(self, said: list[str]) -> None:
        self.handing_over = asyncio.Event()
        self.grace = Grace(GRACE)
        self._said = said

    def track_message(self, message: Any) -> None: ...

    def begin(self, message: Any) -> None: ...

    def settle(self, message: Any) -> None:
        self._said.append(f"settled {message.name}")

    def abandon(self, messages: Iterable[Any]) -> None:
        self._said.extend(f"let go {message.name}" for message in messages)


class Bench:
    """A stage with a table and one output, of which each write waits until it is let through.

    A record is the name of a key. Its function stores it, and emits whether it was there.
    """

    def __init__(self, spacing: float = 0.0) -> None:
        self.said: list[str] = []
        self.failed: list[BaseException] = []
        self.rows: dict[bytes, bytes | None] = {}
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.consumer = Consumer(self.said)
        self.stage = Stage(
            "stage",
            self._function,
            app=SimpleNamespace(consumer=self.consumer, consumer_generation_id=1),
            publisher=self,  # type: ignore[arg-type]
            table=self,  # type: ignore[arg-type]
            transient=(),
            outputs=("out",),
            fatal=self.failed.append,
            spacing=spacing,
        )
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._stream = SimpleNamespace(events=self._events, channel=SimpleNamespace(queue=self._queue))

    async def _events(self) -> AsyncIterator[Any]:
        while True:
            yield await self._queue.get()

    def bring(self, *keys: str, nbytes: int = 10_000_000) -> None:
        """Deliver a message of these records; by its size it is a batch of its own."""
        records = [Consumed(key.encode(), "in", offset) for offset, key in enumerate(keys)]
        value = SimpleNamespace(records=records, nbytes=nbytes)
        message = SimpleNamespace(generation_id=1, tracked=True, incref=lambda: None, value=value, name="+".join(keys))
        self._queue.put_nowait(SimpleNamespace(message=message))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.stage.run(self._stream))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def said_by_then(self, *wanted: str) -> None:
        await eventually(lambda: self.said == list(wanted), 5, because=str(self.said))

    async def _function(self, batch: Batch) -> None:
        self.said.append(f"decides {'+'.join((record.value or b'').decode() for record in batch.records)}")
        async for record in batch:
            key = record.value or b""
            if key == b"poison":
                raise ValueError("a poisonous record")
            batch.emit("out", key, b"again" if batch.lookup(record, key) else b"first", partition=0)
            batch.store(record, key, b"seen")

    # -- table and publisher

    def get(self, _: int, key: bytes) -> bytes | None:
        return self.rows.get(key)

    async def write(self, _: int, changes: Mapping[bytes, bytes | None]) -> None:
        await self.is_open.wait()
        self.said.append(f"remembers {_text(changes)}")
        self.rows |= changes

    async def partitions(self, _: str) -> int:
        return 1

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> None:
        await self.is_open.wait()
        for (topic, _), records in outs.items():
            told = [f"{(out.key or b'').decode()} {(out.value or b'').decode()}" for out in records]
            self.said.append("a dead letter" if topic == topics.DEAD_LETTER else f"says {', '.join(told)}")


def _text(keys: Iterable[bytes]) -> str:
    return "+".join(key.decode() for key in keys)


async def test_what_is_decided_while_another_batch_is_published_sees_it_and_goes_out_behind_it() -> None:
    bench = Bench()
    bench.is_open.clear()
    async with bench.running():
        bench.bring("a")
        bench.bring("a", "b")
        await bench.said_by_then("decides a", "decides a+b")
        bench.is_open.set()
        first = ["remembers a", "says a first", "settled a"]
        await bench.said_by_then(
            "decides a", "decides a+b", *first, "remembers a+b", "says a again, b first", "settled a+b"
        )


async def test_a_third_batch_waits_until_the_first_one_is_settled() -> None:
    bench = Bench()
    bench.is_open.clear()
    async with bench.running():
        for key in "abc":
            bench.bring(key)
        await bench.said_by_then("decides a", "decides b")
        bench.is_open.set()
        await eventually(lambda: bench.said[-1:] == ["settled c"], 5)

    assert bench.said.index("settled a") < bench.said.index("decides c")


async def test_a_stage_with_a_spacing_takes_a_lone_record_at_once_and_gathers_what_follows_closely() -> None:
    bench = Bench(spacing=0.2)
    async with bench.running():
        bench.bring("a", nbytes=1)
        await eventually(lambda: bench.said[-1:] == ["settled a"], 5)
        assert 0 < bench.stage.rest() <= 0.2
        bench.bring("b", nbytes=1)
        bench.bring("c", nbytes=1)
        await eventually(lambda: bench.said[-1:] == ["settled c"], 5)

    assert [line for line in bench.said if line.startswith("decides")] == ["decides a", "decides b+c"]


async def test_with_a_batch_that_is_let_go_goes_what_was_decided_upon_it_and_nothing_else() -> None:
    bench = Bench()
    bench.is_open.clear()
    async with bench.running():
        bench.bring("a")
        bench.bring("b")
        await bench.said_by_then("decides a", "decides b")
        bench.consumer.grace.begin()
        await bench.said_by_then("decides a", "decides b", "let go a", "let go b")
        bench.consumer.grace.end()
        bench.is_open.set()
        bench.bring("a")
        await eventually(lambda: bench.said[-1:] == ["settled a"], 5)

    assert bench.said[4:] == ["decides a", "remembers a", "says a first", "settled a"]


async def test_a_poison_record_is_put_aside_in_its_place() -> None:
    bench = Bench()
    async with bench.running():
        bench.bring("a", "poison", "b")
        await eventually(lambda: bench.said[-1:] == ["settled a+poison+b"], 5)

    told = [line for line in bench.said if not line.startswith("decides")]
    assert told == ["remembers a", "says a first", "a dead letter", "remembers b", "says b first", "settled a+poison+b"]


async def test_nothing_of_a_message_is_settled_where_its_first_half_is_let_go() -> None:
    bench = Bench()
    bench.is_open.clear()
    async with bench.running():
        bench.bring("a", "poison")
        await bench.said_by_then("decides a+poison", "decides a", "decides poison")
        bench.consumer.grace.begin()
        await eventually(lambda: bench.said[-1:] == ["let go a+poison"], 5)

    assert not any(line.startswith(("remembers", "settled")) for line in bench.said)


@pytest.mark.parametrize("what", ["write", "publish"])
async def test_an_error_of_what_goes_on_in_the_background_ends_the_process(what: str) -> None:
    bench = Bench()
    error = RuntimeError("refused")
    setattr(bench, what, _raising(error))
    async with bench.running():
        bench.bring("a")
        await eventually(lambda: bench.failed == [error], 5)

    assert not any(line.startswith("settled") for line in bench.said)


def _raising(error: Exception) -> Callable[..., Any]:
    async def raises(*_: Any) -> None:
        raise error

    return raises
