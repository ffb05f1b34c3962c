"""The log's promises that need no broker to be seen: limits, timeouts, a new producer for a failed one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.edge import kafka as kafka_log
from adapters.edge.kafka import KafkaLog, make_producer
from adapters.edge.log import Entry, LogFullError, LogRefusedError, LogUnavailableError
from tests.adapters.edge.readiness import is_ready, reason
from tests.adapters.edge.stub_producer import StubProducer
from tests.support.waiting import eventually

TOPICS = ("raw.webhook", "raw.event")


def entry(value: bytes = b"1", topic: str = "raw.event") -> Entry:
    return Entry(topic, None, value, [])


@asynccontextmanager
async def connected(
    *producers: StubProducer, timeout_seconds: float = 5, max_bytes: int = 100_000, max_entries: int = 10
) -> AsyncIterator[KafkaLog]:
    """A log that gets the given producers one after the other."""
    coming = iter(producers)

    async def connect() -> StubProducer:
        return next(coming)

    log = KafkaLog(connect, TOPICS, timeout_seconds=timeout_seconds, max_bytes=max_bytes, max_entries=max_entries)
    async with log:
        await eventually(lambda: is_ready(log), interval=0.001)
        yield log


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_log, "_STOP_SECONDS", 0.05)


async def test_before_the_first_connection_everything_is_refused_at_once() -> None:
    never = asyncio.Event()

    async def connect() -> StubProducer:
        await never.wait()
        return StubProducer()

    log = KafkaLog(connect, TOPICS, timeout_seconds=60)
    async with log:
        for call in (log.append([entry()]), log.check()):
            with pytest.raises(LogUnavailableError, match="has not answered yet"):
                await call


async def test_an_append_returns_when_all_its_entries_are_confirmed() -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        append = asyncio.create_task(log.append([entry(), entry(topic="raw.webhook")]))
        first, second = await producer.nth(0), await producer.nth(1)
        first.set_result(None)
        await eventually(lambda: log.backlog_entries == 1, interval=0.001)
        assert not append.done()
        second.set_result(None)
        await append
        assert (log.backlog_entries, log.backlog_bytes) == (0, 0)


async def test_an_append_that_is_not_confirmed_in_time_fails_but_stays_in_line() -> None:
    producer = StubProducer()
    async with connected(producer, timeout_seconds=0.02) as log:
        with pytest.raises(LogUnavailableError, match=r"within 0\.02 s"):
            await log.append([entry()])
        assert log.backlog_entries == 1
        await eventually(lambda: reason(log), interval=0.001)
        assert "has not confirmed a record" in str(await reason(log))
        (await producer.nth(0)).set_result(None)
        await eventually(lambda: log.backlog_entries == 0, interval=0.001)
        await log.check()


@pytest.mark.parametrize("extra", [[entry(b"x" * 60_000)], [entry()] * 10], ids=["bytes", "entries"])
async def test_a_backlog_is_bounded_in_bytes_and_in_entries(extra: list[Entry]) -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        append = asyncio.create_task(log.append([entry(b"x" * 50_000)]))
        confirmation = await producer.nth(0)
        before = log.backlog_bytes
        with pytest.raises(LogFullError):
            await log.append(extra)
        assert (log.backlog_bytes, log.backlog_entries) == (before, 1)
        confirmation.set_result(None)
        await append


async def test_what_alone_exceeds_the_backlog_is_let_in_alone() -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        append = asyncio.create_task(log.append([entry(b"x" * 200_000)]))
        (await producer.nth(0)).set_result(None)
        await append


async def test_a_producer_that_fails_is_replaced_and_all_goes_through_the_new_one_in_order() -> None:
    failing, following = StubProducer(), StubProducer()
    async with connected(failing, following) as log:
        first = asyncio.create_task(log.append([entry(b"1")]))
        confirmation = await failing.nth(0)
        second = asyncio.create_task(log.append([entry(b"2")]))
        await eventually(lambda: log.backlog_entries == 2, interval=0.001)
        assert [item.entry.value for item in log.held()] == [b"1", b"2"]
        confirmation.set_exception(RuntimeError("out of order"))
        (await following.nth(0)).set_result(None)
        await first
        await second
        assert (failing.values, following.values) == ([[b"1"]], [[b"1", b"2"]])
        assert failing.is_stopped


async def test_a_lane_that_waits_for_a_lost_producer_writes_again_through_the_new_one() -> None:
    lost, following = StubProducer(), StubProducer()
    async with connected(lost, following) as log:
        stuck = asyncio.create_task(log.append([entry(b"stuck", topic="raw.webhook")]))
        failing = asyncio.create_task(log.append([entry(b"failing")]))
        await lost.nth(1)
        lost.sent[lost.values.index([b"failing"])][1].set_exception(RuntimeError("fenced"))
        (await following.nth(0)).set_result(None)
        (await following.nth(1)).set_result(None)
        await asyncio.gather(stuck, failing)


async def test_an_entry_of_a_topic_that_the_edge_does_not_write_is_refused() -> None:
    async with connected(StubProducer()) as log:
        with pytest.raises(LogRefusedError, match=r"raw\.other"):
            await log.append([entry(topic="raw.other")])
        assert log.backlog_entries == 0


async def test_it_is_idle_once_kafka_is_there_and_has_everything() -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        await log.idle()
        append = asyncio.create_task(log.append([entry()]))
        confirmation = await producer.nth(0)
        idle = asyncio.create_task(log.idle())
        assert not (await asyncio.wait([idle], timeout=0.01))[0]
        confirmation.set_result(None)
        await asyncio.gather(idle, append)


@pytest.mark.parametrize(
    ("answers", "partitions", "expected"),
    [
        (False, {"raw.event": 1, "raw.webhook": 1}, "does not answer"),
        (True, {"raw.webhook": 1}, "lacks the topic raw.event"),
    ],
)
async def test_the_reason_for_not_being_ready_is_named(
    answers: bool, partitions: dict[str, int], expected: str
) -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        producer.client.answers, producer.client.partitions = answers, partitions
        assert expected in str(await reason(log))


async def test_a_metadata_request_that_hangs_is_no_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        monkeypatch.setattr(kafka_log, "_CHECK_SECONDS", 0.02)
        monkeypatch.setattr(producer.client, "force_metadata_update", asyncio.Event().wait)
        assert "did not answer" in str(await reason(log))


async def test_stopping_waits_for_confirmations_and_lets_nothing_new_in() -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        append = asyncio.create_task(log.append([entry()]))
        confirmation = await producer.nth(0)
        asyncio.get_running_loop().call_later(0.01, confirmation.set_result, None)
    await append
    assert producer.is_stopped
    with pytest.raises(LogUnavailableError, match="stopping"):
        await log.append([entry()])


async def test_stopping_gives_up_on_what_is_never_confirmed() -> None:
    producer = StubProducer()
    async with connected(producer) as log:
        append = asyncio.create_task(log.append([entry()]))
        await producer.nth(0)
    with pytest.raises(LogUnavailableError, match="gave up"):
        await append


def test_the_producer_waits_for_all_in_sync_replicas_and_repeats_without_doubling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_log, "AIOKafkaProducer", dict)
    made = make_producer({"bootstrap_servers": "kafka:9092"})
    assert made["bootstrap_servers"] == "kafka:9092"
    assert (made["acks"], made["enable_idempotence"], made["linger_ms"]) == ("all", True, 0)
