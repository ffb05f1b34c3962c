"""The log with a spool behind it: one way at a time, nothing lost, nothing out of order."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from adapters.edge import kafka as kafka_log
from adapters.edge import spooled as spooled_log
from adapters.edge.kafka import KafkaLog
from adapters.edge.log import Entry, LogFullError, LogUnavailableError
from adapters.edge.spool.errors import SpoolUnusableError
from adapters.edge.spool.file import SpoolFile
from adapters.edge.spool.slots import Slots
from adapters.edge.spool.spool import SpoolLimits
from adapters.edge.spooled import SpooledLog
from tests.adapters.edge.spool.damage import break_what_is_free, flip_inside
from tests.adapters.edge.stub_broker import StubBroker
from tests.support.waiting import eventually

TOPICS = ("raw.webhook", "raw.event")


def entry(value: bytes, key: bytes | None = b"canalum", topic: str = "raw.webhook") -> Entry:
    return Entry(topic, key, value, [("raw_id", value[:32])])


@pytest.fixture
def broker(tmp_path: Path) -> StubBroker:
    return StubBroker()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_log, "_STOP_SECONDS", 0.02)
    monkeypatch.setattr(spooled_log, "_STOP_SECONDS", 0.5)


def log_on(broker: StubBroker, folder: Path, **more: Any) -> SpooledLog:
    kafka = KafkaLog(broker.connect, TOPICS, timeout_seconds=more.pop("timeout_seconds", 2), max_entries=500)
    limits = SpoolLimits(more.pop("max_bytes", 50_000_000), more.pop("max_entries", 10_000))
    settings = {"after_seconds": 0.02, "timeout_seconds": 2, "look_seconds": 30} | more
    return SpooledLog(kafka, Slots(folder), limits, **settings)


@asynccontextmanager
async def running(broker: StubBroker, folder: Path, **more: Any) -> AsyncIterator[SpooledLog]:
    """A log that has connected, where the broker is up."""
    log = log_on(broker, folder, **more)
    connections = len(broker.producers)
    async with log:
        if broker.up.is_set():
            await eventually(lambda: len(broker.producers) > connections, interval=0.001)
            await eventually(lambda: log._kafka.is_connected, interval=0.001)
        yield log


def figure(log: SpooledLog, name: str) -> float:
    """A metric's value."""
    registry = CollectorRegistry()
    for collector in log.metrics.collectors:
        registry.register(collector)
    return registry.get_sample_value(f"posto_edge_spool_{name}") or 0.0


def spooled(folder: Path) -> list[bytes]:
    """What lies in all slots, looked at from outside."""
    found: list[bytes] = []
    for file in sorted(folder.glob("slot-*/spool.db")):
        with sqlite3.connect(file) as database:
            found += [value for (value,) in database.execute("SELECT value FROM entries ORDER BY seq")]
    return found


async def drained(log: SpooledLog) -> None:
    await eventually(lambda: not figure(log, "in_use") and not figure(log, "entries"), interval=0.002)


async def test_while_kafka_answers_the_disk_is_not_touched(broker: StubBroker, tmp_path: Path) -> None:
    async with running(broker, tmp_path) as log:
        await log.append([entry(b"1"), entry(b"2", topic="raw.event")])
        assert sorted(broker.values) == [b"1", b"2"]
        assert (figure(log, "written_total"), figure(log, "in_use"), figure(log, "usable")) == (0, 0, 1)
        assert log.caveat is None
        await log.check()


async def test_a_kafka_that_hangs_is_left_for_the_spool_and_back_with_every_entry_once_in_order(
    broker: StubBroker, tmp_path: Path
) -> None:
    async with running(broker, tmp_path) as log:
        await log.append([entry(b"0")])
        broker.up.clear()
        await asyncio.gather(*(log.append([entry(b"%d" % number)]) for number in range(1, 6)))
        for number in range(6, 10):
            await log.append([entry(b"%d" % number)])
        assert spooled(tmp_path) == [b"%d" % number for number in range(1, 10)]
        assert (figure(log, "in_use"), figure(log, "entries")) == (1, 9)
        assert figure(log, "oldest_seconds") > 0
        assert "9 entries wait" in str(log.caveat)
        await log.check()
        broker.up.set()
        await drained(log)
        await log.append([entry(b"10")])
        assert broker.values == [b"%d" % number for number in range(11)], "what was under way needs no second way"
        assert (figure(log, "drained_total"), spooled(tmp_path)) == (9, [])


async def test_a_kafka_that_is_away_at_the_start_is_no_reason_to_refuse(broker: StubBroker, tmp_path: Path) -> None:
    broker.up.clear()
    async with running(broker, tmp_path) as log:
        await log.check()
        await log.append([entry(b"1")])
        await log.append([entry(b"2")])
        assert broker.producers == []
        broker.up.set()
        await drained(log)
        assert broker.values == [b"1", b"2"]


async def test_new_requests_queue_behind_a_spool_that_drains(broker: StubBroker, tmp_path: Path) -> None:
    async with running(broker, tmp_path) as log:
        broker.up.clear()
        await asyncio.gather(*(log.append([entry(b"%d" % number)]) for number in range(100)))
        broker.up.set()
        for number in range(100, 200):
            await log.append([entry(b"%d" % number)])
        await drained(log)
        assert broker.values == [b"%d" % number for number in range(200)]


async def test_requests_that_never_cease_do_not_keep_the_spool_in_use(broker: StubBroker, tmp_path: Path) -> None:
    async with running(broker, tmp_path) as log:
        broker.up.clear()
        kept = 0
        came_back = False

        async def post_on() -> None:
            nonlocal kept
            while not came_back:
                kept += 1
                await log.append([entry(b"%d" % kept)])

        posting = [asyncio.create_task(post_on()) for _ in range(8)]
        await eventually(lambda: figure(log, "entries") > 50)
        broker.up.set()
        await eventually(lambda: not figure(log, "in_use"), interval=0.001)
        came_back = True
        await asyncio.gather(*posting)
        await drained(log)
        assert broker.values == [b"%d" % number for number in range(1, kept + 1)]


async def test_what_waited_for_the_disk_when_kafka_came_back_is_copied_when_it_goes_again(
    broker: StubBroker, tmp_path: Path
) -> None:
    async with running(broker, tmp_path) as log:
        broker.up.clear()
        await log.append([entry(b"0")])
        write = SpoolFile.write

        def slow(file: SpoolFile, *arguments: Any) -> range:
            asyncio.run_coroutine_threadsafe(_clear(broker), loop).result()
            return write(file, *arguments)

        loop = asyncio.get_running_loop()
        with patch.object(SpoolFile, "write", slow):
            broker.up.set()
            await asyncio.gather(*(log.append([entry(b"%d" % number)]) for number in range(1, 30)))
        broker.up.set()
        await drained(log)
        assert list(dict.fromkeys(broker.values)) == [b"%d" % number for number in range(30)]


async def _clear(broker: StubBroker) -> None:
    broker.up.clear()


async def test_a_producer_that_loses_its_answer_doubles_but_never_reorders(broker: StubBroker, tmp_path: Path) -> None:
    async with running(broker, tmp_path) as log:
        broker.loses_answers = 1
        await asyncio.gather(*(log.append([entry(b"%d" % number)]) for number in range(5)))
        await drained(log)
        assert list(dict.fromkeys(broker.values)) == [b"%d" % number for number in range(5)]


async def test_a_backlog_that_is_full_goes_to_the_spool_as_well(broker: StubBroker, tmp_path: Path) -> None:
    async with running(broker, tmp_path, after_seconds=30) as log:
        broker.up.clear()
        appends = [asyncio.create_task(log.append([entry(b"%d" % number)])) for number in range(501)]
        await asyncio.gather(*appends)
        broker.up.set()
        await drained(log)
        assert broker.values == [b"%d" % number for number in range(501)]


@pytest.mark.parametrize("limits", [{"max_entries": 3}, {"max_bytes": 1600}], ids=["entries", "bytes"])
async def test_only_a_full_spool_refuses_and_takes_again_once_it_has_room(
    broker: StubBroker, tmp_path: Path, limits: dict[str, int]
) -> None:
    async with running(broker, tmp_path, **limits) as log:
        broker.up.clear()
        for number in range(3):
            await log.append([entry(b"%d" % number)])
        for call in (log.append([entry(b"too many")]), log.check()):
            with pytest.raises(LogFullError, match="the spool has its"):
                await call
        broker.up.set()
        await drained(log)
        await log.append([entry(b"3")])
        assert broker.values == [b"%d" % number for number in range(4)]


async def test_what_lies_in_the_spool_survives_the_process(broker: StubBroker, tmp_path: Path) -> None:
    broker.up.clear()
    async with running(broker, tmp_path) as log:
        await log.append([entry(b"1"), entry(b"2", None)])
    assert spooled(tmp_path) == [b"1", b"2"]
    broker.up.set()
    async with running(broker, tmp_path) as log:
        await log.append([entry(b"3")])
        await drained(log)
    on_key = [value for _, partition, value in broker.taken if value != b"2"]
    assert on_key == [b"1", b"3"], "what is new queues behind what was left"
    assert sorted(broker.values) == [b"1", b"2", b"3"]


async def test_what_a_gone_process_left_is_taken_over_while_running(broker: StubBroker, tmp_path: Path) -> None:
    other = Slots(tmp_path).claim()
    async with running(broker, tmp_path, look_seconds=0.01) as log:
        other.file.write([entry(b"left")], 0)
        other.release()
        await eventually(lambda: broker.values == [b"left"])
        await drained(log)
        await eventually(lambda: not Slots(tmp_path).left())
        await log.append([entry(b"new")])
    assert broker.values == [b"left", b"new"]


async def test_a_damaged_entry_is_set_aside_counted_and_stops_nobody(broker: StubBroker, tmp_path: Path) -> None:
    broker.up.clear()
    async with running(broker, tmp_path) as log:
        for value in (b"first", b"this one is damaged", b"third"):
            await log.append([Entry("raw.webhook", b"canalum", value, [])])
    flip_inside(tmp_path / "slot-0" / "spool.db", b"this one is damaged")
    broker.up.set()
    async with running(broker, tmp_path) as log:
        await drained(log)
        assert broker.values == [b"first", b"third"]
        assert figure(log, "set_aside_total") == 1


def lying(folder: Path) -> list[bytes]:
    """Two hundred entries, in a file of which only changing it shows that it is damaged."""
    slot = Slots(folder).claim()
    values = [b"%d " % number + b"v" * 2000 for number in range(300)]
    slot.file.remove(slot.file.write([entry(value) for value in values], 0)[:100])
    slot.release()
    break_what_is_free(slot.folder / "spool.db")
    return values[100:]


async def test_a_file_that_can_be_read_and_not_changed_is_brought_to_kafka_once_and_replaced(
    broker: StubBroker, tmp_path: Path
) -> None:
    values = lying(tmp_path)
    async with running(broker, tmp_path, look_seconds=0.02) as log:
        await drained(log)
        assert (figure(log, "usable"), figure(log, "damaged_files_total")) == (1, 1)
        assert spooled(tmp_path) == []
    assert broker.values == values


async def test_a_file_that_turns_out_to_be_damaged_while_kafka_is_away_refuses_nobody(
    broker: StubBroker, tmp_path: Path
) -> None:
    values = lying(tmp_path)
    broker.up.clear()
    async with running(broker, tmp_path) as log:
        new = [b"new %d " % number + b"v" * 3000 for number in range(20)]
        for value in new:
            await log.append([entry(value)])
        assert (figure(log, "entries"), figure(log, "damaged_files_total")) == (220, 1)
        broker.up.set()
        await drained(log)
    assert broker.values == [*values, *new]


async def test_an_entry_that_kafka_refuses_is_set_aside_and_stops_nobody(broker: StubBroker, tmp_path: Path) -> None:
    broker.largest = 100
    broker.up.clear()
    async with running(broker, tmp_path) as log:
        for value in (b"1", b"x" * 200, b"2"):
            await log.append([entry(value)])
        await log.append([entry(b"3", topic="raw.event")])
        broker.up.set()
        await drained(log)
        assert sorted(set(broker.values)) == [b"1", b"2", b"3"]
        assert figure(log, "set_aside_total") == 1


async def test_an_entry_under_way_that_kafka_refuses_after_all_is_set_aside(broker: StubBroker, tmp_path: Path) -> None:
    async with running(broker, tmp_path) as log:
        broker.largest = 100
        broker.up.clear()
        await log.append([entry(b"x" * 200)])
        await log.append([entry(b"1")])
        broker.up.set()
        await drained(log)
        assert broker.values == [b"1"]
        assert figure(log, "set_aside_total") == 1


async def test_entries_of_sixteen_megabytes_are_kept(broker: StubBroker, tmp_path: Path) -> None:
    broker.largest = 17_000_000
    broker.up.clear()
    values = [os.urandom(16_777_216), b"small", os.urandom(16_777_216)]
    async with running(broker, tmp_path, max_bytes=100_000_000) as log:
        for value in values:
            await log.append([entry(value)])
        broker.up.set()
        await drained(log)
    assert broker.values == values


async def test_concurrent_requests_share_their_wait_for_the_disk(broker: StubBroker, tmp_path: Path) -> None:
    broker.up.clear()
    async with running(broker, tmp_path) as log:
        with patch.object(SpoolFile, "write", autospec=True, side_effect=SpoolFile.write) as write:
            await asyncio.gather(*(log.append([entry(b"%d" % number)]) for number in range(200)))
        assert write.call_count < 10
        assert len(spooled(tmp_path)) == 200


async def test_without_a_spool_kafka_alone_counts_and_everybody_is_told(broker: StubBroker, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.write_text("no folder")
    async with running(broker, folder, timeout_seconds=0.05, look_seconds=0.02) as log:
        await log.append([entry(b"1")])
        await log.check()
        assert "There is no spool" in str(log.caveat)
        assert "Not a directory" in str(log.caveat)
        assert figure(log, "usable") == 0
        broker.up.clear()
        with pytest.raises(LogUnavailableError, match="did not confirm"):
            await log.append([entry(b"2")])
        with pytest.raises(LogUnavailableError):
            await log.check()
        folder.unlink()
        await eventually(lambda: figure(log, "usable"))
        await log.append([entry(b"3")])
        broker.up.set()
        await drained(log)
    assert broker.values == [b"1", b"2", b"3"]


@contextmanager
def broken(method: str) -> Iterator[None]:
    """A disk on which one thing fails."""
    with patch.object(SpoolFile, method, side_effect=SpoolUnusableError("disk I/O error")):
        yield


async def test_a_spool_that_cannot_be_written_refuses_until_it_can(broker: StubBroker, tmp_path: Path) -> None:
    async with running(broker, tmp_path, look_seconds=0.02) as log:
        broker.up.clear()
        await log.append([entry(b"1")])
        with broken("write"), broken("try_to_write"):
            with pytest.raises(LogUnavailableError, match="cannot be written"):
                await log.append([entry(b"2")])
            with pytest.raises(LogUnavailableError, match="cannot be written"):
                await log.check()
        await log.check()
        await log.append([entry(b"3")])
        broker.up.set()
        await drained(log)
    assert broker.values == [b"1", b"3"]


async def test_a_spool_that_cannot_be_read_is_put_away_for_later_and_kafka_goes_on(
    broker: StubBroker, tmp_path: Path
) -> None:
    async with running(broker, tmp_path, look_seconds=0.02) as log:
        with broken("first"):
            broker.up.clear()
            await log.append([entry(b"1", b"a")])
            await log.append([entry(b"2", b"a")])
            broker.up.set()
            await eventually(lambda: not figure(log, "usable") or broker.values)
            await log.append([entry(b"3", b"a")])
        await drained(log)
        await eventually(lambda: b"2" in broker.values)
        await drained(log)
    assert set(broker.values) == {b"1", b"2", b"3"}


async def test_the_metrics_can_be_shown(broker: StubBroker, tmp_path: Path) -> None:
    registry = CollectorRegistry()
    for collector in log_on(broker, tmp_path).metrics.collectors:
        registry.register(collector)
    shown = generate_latest(registry).decode()
    assert "posto_edge_spool_oldest_seconds 0.0" in shown
    assert "posto_edge_spool_write_seconds_bucket" in shown
