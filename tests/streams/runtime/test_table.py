"""A table in memory: what its values shed, and when."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.runtime import BatchApp, BatchTable, Out, RuntimeConfig, Shedding
from streams.runtime.fetched import FetchedBatch
from streams.runtime.publisher import Span
from tests.agents.consumed import Consumed

SOURCE = "in"


class Bench:
    """A table whose values are `text` or `text until offset`; Kafka takes everything, and has committed `position`."""

    def __init__(self, position: int = 0) -> None:
        self.asked: list[TP] = []
        self.position = position
        shedding = Shedding(SOURCE, _needed_until, lambda value: value.split()[0])
        self.table: BatchTable = BatchApp(RuntimeConfig({"bootstrap_servers": "127.0.0.1:1"})).batch_table(
            "seen", shedding=shedding
        )
        self.table._publisher = self  # type: ignore[assignment]
        self.table.app = SimpleNamespace(consumer=self)

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> Mapping[tuple[str, int], list[Span]]:
        return {place: [Span(0, len(records))] for place, records in outs.items()}

    async def committed(self, tp: TP) -> int:
        self.asked.append(tp)
        return self.position

    async def recover(self, *values: bytes) -> None:
        """Apply fetched changelog batches, one for each value of the key `k<number>`."""
        for number, value in enumerate(values):
            batch = FetchedBatch([Consumed(value, "changelog", number, key=b"k%d" % number, partition=3)])
            event: Any = SimpleNamespace(value=batch)
            await self.table.on_changelog_event(event)
            self.table.apply_changelog_batch([event])


def _needed_until(value: bytes) -> int | None:
    words = value.split()
    return int(words[2]) if len(words) == 3 else None


async def test_a_value_sheds_what_it_needs_no_more_once_its_record_is_committed_and_not_before() -> None:
    bench = Bench()
    await bench.table.write(3, {b"a": b"one until 7", b"b": b"two", b"c": b"three until 8"})

    bench.table.committed(TP(SOURCE, 3), 7)
    assert dict(bench.table.items(3)) == {b"a": b"one until 7", b"b": b"two", b"c": b"three until 8"}

    bench.table.committed(TP(SOURCE, 3), 8)
    assert dict(bench.table.items(3)) == {b"a": b"one", b"b": b"two", b"c": b"three until 8"}


async def test_a_value_that_was_set_again_sheds_with_the_later_record() -> None:
    bench = Bench()
    await bench.table.write(3, {b"a": b"one until 7", b"b": b"one until 7"})
    await bench.table.write(3, {b"a": b"two until 9", b"b": None})

    bench.table.committed(TP(SOURCE, 3), 8)
    assert dict(bench.table.items(3)) == {b"a": b"two until 9"}

    bench.table.committed(TP(SOURCE, 3), 10)
    assert dict(bench.table.items(3)) == {b"a": b"two"}


@pytest.mark.parametrize("elsewhere", [TP(SOURCE, 2), TP("other", 3)])
async def test_commits_of_other_partitions_do_not_matter(elsewhere: TP) -> None:
    bench = Bench()
    await bench.table.write(3, {b"a": b"one until 7"})

    bench.table.committed(elsewhere, 100)

    assert bench.table.get(3, b"a") == b"one until 7"


async def test_a_recovery_leaves_out_what_was_committed_before_it() -> None:
    bench = Bench(position=8)

    await bench.recover(b"one until 7", b"two", b"three until 8")

    assert dict(bench.table.items(3)) == {b"k0": b"one", b"k1": b"two", b"k2": b"three until 8"}
    assert bench.asked == [TP(SOURCE, 3)]
    bench.table.committed(TP(SOURCE, 3), 9)
    assert bench.table.get(3, b"k2") == b"three"
