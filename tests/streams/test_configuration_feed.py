import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from structlog.testing import capture_logs

from infra.settings import load
from infra.topics import apply_topics
from schemas.configuration import SENTINEL_KEY, Rule, Sentinel
from schemas.events import Action
from streams import topics
from streams.configuration_feed import ConfigurationFeed
from tests.streams.samples import event
from tests.support.broker import Broker
from tests.support.topics import delete, write
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


class Record(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes | None


SENTINEL = Record(topics.CONFIG_RULE, SENTINEL_KEY, msgspec.json.encode(Sentinel(channels=0, templates=0, rules=1)))


def rule(priority: int) -> Record:
    content = Rule(id="r", version=priority, event_type="a.b", action=Action.NONE, priority=priority)
    return Record(topics.CONFIG_RULE, b"r", msgspec.json.encode(content))


def priority(feed: ConfigurationFeed) -> int | None:
    chosen = feed.current.choose(event("a.b"))
    return chosen.priority if chosen else None


@pytest.fixture
async def bootstrap_servers(hub_kafka: str) -> AsyncIterator[str]:
    await apply_topics(load(_env_file=None, kafka_bootstrap_servers=hub_kafka, posto_partitions=1))
    yield hub_kafka
    await delete(hub_kafka, topics.BY_NAME)


@pytest.fixture
async def feed(hub_kafka: str) -> AsyncIterator[ConfigurationFeed]:
    feed = ConfigurationFeed({"bootstrap_servers": hub_kafka})
    yield feed
    await feed.stop()


async def test_it_is_ready_only_after_the_sentinel_and_what_followed_it(
    bootstrap_servers: str, feed: ConfigurationFeed
) -> None:
    await write(bootstrap_servers, [rule(1), SENTINEL, *(rule(number) for number in range(2, 50))])
    await feed.start()
    await asyncio.wait_for(feed.ready(), 10)
    assert priority(feed) == 49


async def test_without_the_sentinel_it_is_not_ready_and_nothing_is_in_force(
    bootstrap_servers: str, feed: ConfigurationFeed
) -> None:
    await write(bootstrap_servers, [rule(1)])
    with capture_logs() as logs:
        await feed.start()
        ready = asyncio.create_task(feed.ready())
        await eventually(lambda: "configuration_not_complete" in [entry["event"] for entry in logs])
    assert not ready.done()
    assert priority(feed) is None
    await write(bootstrap_servers, [SENTINEL])
    await asyncio.wait_for(ready, 10)
    assert priority(feed) == 1


async def test_a_change_is_in_force_in_well_under_a_second(bootstrap_servers: str, feed: ConfigurationFeed) -> None:
    await write(bootstrap_servers, [rule(1), SENTINEL])
    await feed.start()
    await asyncio.wait_for(feed.ready(), 10)
    before = feed.current
    await write(bootstrap_servers, [rule(2)])
    await eventually(lambda: priority(feed) == 2, timeout=0.5)
    assert feed.current is not before
    await write(bootstrap_servers, [rule(2)._replace(value=None)])
    await eventually(lambda: priority(feed) is None, timeout=0.5)


async def test_a_record_that_makes_no_sense_changes_nothing_and_shows(
    bootstrap_servers: str, feed: ConfigurationFeed
) -> None:
    await write(bootstrap_servers, [rule(1), SENTINEL, Record(topics.CONFIG_TEMPLATE, b"t", b"\x00")])
    await feed.start()
    await asyncio.wait_for(feed.ready(), 10)
    assert set(feed.current.faults) == {"record config.template/t"}
    await write(bootstrap_servers, [rule(3)])
    await eventually(lambda: priority(feed) == 3)


async def test_topics_that_are_not_there_yet_are_waited_for(hub_kafka: str, feed: ConfigurationFeed) -> None:
    with capture_logs() as logs:
        await feed.start()
        ready = asyncio.create_task(feed.ready())
        await eventually(lambda: "configuration_not_readable" in [entry["event"] for entry in logs])
    assert "no topic config.channel, config.rule, config.target, config.template" in logs[0]["error"]
    await apply_topics(load(_env_file=None, kafka_bootstrap_servers=hub_kafka, posto_partitions=1))
    try:
        await write(hub_kafka, [rule(1), SENTINEL])
        await asyncio.wait_for(ready, 30)
        assert priority(feed) == 1
    finally:
        await delete(hub_kafka, topics.BY_NAME)


async def test_a_broker_that_comes_late_and_goes_away_is_waited_for(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    bootstrap_servers = broker.bootstrap_servers
    feed = ConfigurationFeed({"bootstrap_servers": bootstrap_servers})
    await feed.start()
    ready = asyncio.create_task(feed.ready())
    async with broker.running():
        await apply_topics(load(_env_file=None, kafka_bootstrap_servers=bootstrap_servers, posto_partitions=1))
        await write(bootstrap_servers, [rule(1), SENTINEL])
        await asyncio.wait_for(ready, 30)
    assert priority(feed) == 1
    async with broker.running():
        await write(bootstrap_servers, [rule(2)])
        await eventually(lambda: priority(feed) == 2, timeout=30)
    await feed.stop()


async def test_an_unexpected_error_reaches_whoever_waits_and_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[BaseException] = []

    async def broken(self: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("streams.configuration_log.ConfigurationLog.start", broken)
    feed = ConfigurationFeed({"bootstrap_servers": "127.0.0.1:1"}, failures.append)
    await feed.start()
    with pytest.raises(RuntimeError, match="a bug"):
        await feed.ready()
    assert [str(failure) for failure in failures] == ["a bug"]


async def test_it_can_be_stopped_at_any_time() -> None:
    feed = ConfigurationFeed({"bootstrap_servers": "127.0.0.1:1"})
    await feed.stop()
    await feed.start()
    await feed.stop()
