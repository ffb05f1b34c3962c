import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka.errors import MessageSizeTooLargeError
from structlog.testing import capture_logs

from adapters.mysql.pool import Database
from infra.configuration import Outcome, Publisher
from infra.database import database
from infra.kafka import connection
from infra.migrations.runner import migrate
from infra.reconciler import Reconciler
from infra.settings import Settings, load
from infra.topics import apply_topics
from schemas.alarms import Alarm, AlarmKind
from schemas.configuration import Rule
from streams import topics
from streams.configuration_feed import ConfigurationFeed
from tests.infra.test_configuration import SEEDS, author
from tests.streams.samples import event
from tests.support.broker import Broker
from tests.support.topics import read
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def reconciler(hub: Settings) -> AsyncIterator[Reconciler]:
    reconciler = Reconciler(hub)
    await reconciler.start()
    yield reconciler
    await reconciler.stop()


@pytest.fixture
async def feed(hub: Settings) -> AsyncIterator[ConfigurationFeed]:
    feed = ConfigurationFeed(connection(hub))
    await feed.start()
    yield feed
    await feed.stop()


def rule(feed: ConfigurationFeed, event_type: str = "a.b") -> Rule | None:
    return feed.current.choose(event(event_type))


async def alarms(settings: Settings) -> list[Alarm]:
    records = await read(settings.kafka_bootstrap_servers, topics.OPS_ALARM)
    return [msgspec.json.decode(record.value, type=Alarm) for record in records]


async def test_what_is_authored_with_plain_sql_is_in_force_within_two_seconds(
    hub: Settings, db: Database, feed: ConfigurationFeed
) -> None:
    await author(db, *SEEDS)
    reconciler = Reconciler(hub.model_copy(update={"posto_reconcile_seconds": 1.0}))
    await reconciler.start()
    await asyncio.wait_for(feed.ready(), 20)
    for priority in (99, 98, 97):
        began = time.monotonic()
        await author(db, "UPDATE routing_rules SET priority = priority - 1 WHERE id = 'r'")

        def has(wanted: int = priority) -> bool:
            chosen = rule(feed)
            return chosen is not None and chosen.priority == wanted

        await eventually(has)
        assert time.monotonic() - began < 2
    await reconciler.stop()


async def test_nothing_is_complete_before_there_are_rules(
    hub: Settings, db: Database, feed: ConfigurationFeed, reconciler: Reconciler
) -> None:
    ready = asyncio.create_task(feed.ready())
    await author(db, *SEEDS[:3])

    async def templates() -> list[Any]:
        return await read(hub.kafka_bootstrap_servers, topics.CONFIG_TEMPLATE)

    await eventually(templates)
    assert not ready.done()
    await author(db, *SEEDS[3:])
    await asyncio.wait_for(ready, 20)
    assert rule(feed) is not None


async def test_a_set_that_vanished_raises_one_alarm_stays_in_force_and_ends_with_its_return(
    hub: Settings, db: Database, feed: ConfigurationFeed, reconciler: Reconciler
) -> None:
    await author(db, *SEEDS)
    await asyncio.wait_for(feed.ready(), 20)
    await author(db, "DELETE FROM routing_rules")

    async def raised() -> list[Alarm]:
        return await alarms(hub)

    (alarm,) = await eventually(raised)
    assert (alarm.kind, alarm.subject) == (AlarmKind.CONFIGURATION_VANISHED, "configuration")
    assert "config.rule" in alarm.message
    await author(db, "INSERT INTO message_templates (name, body) VALUES ('while vanished', 'x')")
    await author(db, *SEEDS[3:], "UPDATE routing_rules SET priority = 1")
    await eventually(lambda: (found := rule(feed)) and found.priority == 1)

    async def over() -> bool:
        return [alarm.is_over for alarm in await alarms(hub)] == [False, True]

    await eventually(over)


async def test_an_alarm_that_stands_is_not_raised_again_by_whoever_is_elected_next(
    hub: Settings, db: Database, feed: ConfigurationFeed
) -> None:
    await author(db, *SEEDS, "UPDATE routing_rules SET conditions = '[1]' WHERE id = 'r'")

    async def said() -> list[tuple[str, bool]]:
        return [(alarm.subject, alarm.is_over) for alarm in await alarms(hub)]

    first, second = Reconciler(hub), Reconciler(hub)
    await first.start()
    await eventually(said)
    await first.stop()
    await second.start()
    await author(db, "UPDATE routing_rules SET priority = 1 WHERE id = 's'")
    await eventually(lambda: (found := rule(feed, "a.c")) and found.priority == 1, timeout=20)
    await author(db, "UPDATE routing_rules SET conditions = NULL WHERE id = 'r'")

    async def are_two() -> bool:
        return len(await said()) == 2

    await eventually(are_two)
    await second.stop()
    assert await said() == [("config.rule/r", False), ("config.rule/r", True)]


async def test_a_row_that_makes_no_sense_raises_an_alarm_and_the_former_one_stays(
    hub: Settings, db: Database, feed: ConfigurationFeed, reconciler: Reconciler
) -> None:
    await author(db, *SEEDS)
    await asyncio.wait_for(feed.ready(), 20)
    await author(
        db,
        "UPDATE routing_rules SET conditions = '[1]' WHERE id = 'r'",
        "UPDATE routing_rules SET priority = 1 WHERE id = 's'",
    )
    await eventually(lambda: (found := rule(feed, "a.c")) and found.priority == 1)
    assert (found := rule(feed)) is not None
    assert found.conditions is None

    async def raised() -> list[Alarm]:
        return await alarms(hub)

    (alarm,) = await eventually(raised)
    assert (alarm.kind, alarm.subject) == (AlarmKind.CONFIGURATION_REFUSED, "config.rule/r")


async def test_a_rule_waits_for_its_template_under_one_alarm_and_heals_by_itself(
    hub: Settings, db: Database, feed: ConfigurationFeed, reconciler: Reconciler
) -> None:
    await author(db, *SEEDS)
    await asyncio.wait_for(feed.ready(), 20)
    await author(db, "UPDATE routing_rules SET template = 'later' WHERE id = 'r'")

    async def raised() -> list[Alarm]:
        return await alarms(hub)

    (alarm,) = await eventually(raised)
    assert (alarm.kind, alarm.subject) == (AlarmKind.CONFIGURATION_REFUSED, "config.rule/r")
    assert "template: 'later' does not exist or is disabled" in alarm.message
    await author(db, "UPDATE routing_rules SET priority = 1 WHERE id = 's'")  # all is looked at again
    await eventually(lambda: (found := rule(feed, "a.c")) and found.priority == 1)
    assert (found := rule(feed)) is not None
    assert found.template == "t"
    assert len(await alarms(hub)) == 1
    await author(db, "INSERT INTO message_templates (name, body) VALUES ('later', 'Oi')")
    await eventually(lambda: (found := rule(feed)) and found.template == "later")


async def test_a_template_that_is_deleted_too_early_stays_until_no_rule_names_it(
    hub: Settings, db: Database, feed: ConfigurationFeed, reconciler: Reconciler
) -> None:
    await author(db, *SEEDS)
    await asyncio.wait_for(feed.ready(), 20)
    await author(db, "DELETE FROM message_templates WHERE name = 't'")

    async def raised() -> bool:
        return len(await alarms(hub)) == 2

    await eventually(raised)
    assert {alarm.subject for alarm in await alarms(hub)} == {"config.rule/r", "config.template/t"}
    assert "t" in feed.current.templates
    await author(db, "UPDATE routing_rules SET template = NULL WHERE id = 'r'")
    await eventually(lambda: "t" not in feed.current.templates)


async def test_one_is_elected_and_another_takes_over(hub: Settings, db: Database, feed: ConfigurationFeed) -> None:
    await author(db, *SEEDS)
    first, second = Reconciler(hub), Reconciler(hub)
    with capture_logs() as logs:

        def elections() -> int:
            return [entry["event"] for entry in logs].count("elected")

        await first.start()
        await eventually(lambda: elections() == 1)
        await second.start()
        await asyncio.wait_for(feed.ready(), 20)
        assert elections() == 1
        await first.stop()
        await eventually(lambda: elections() == 2, timeout=20)
        await author(db, "UPDATE routing_rules SET priority = 9 WHERE id = 'r'")
        await eventually(lambda: (found := rule(feed)) and found.priority == 9)
    await second.stop()
    assert len(await read(hub.kafka_bootstrap_servers, topics.CONFIG_CHANGE)) == 5


async def test_a_lost_connection_to_mysql_is_made_anew(
    hub: Settings, db: Database, feed: ConfigurationFeed, reconciler: Reconciler
) -> None:
    await author(db, *SEEDS)
    await asyncio.wait_for(feed.ready(), 20)
    others = await db.fetch("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id != %s", (0,))
    mine = (await db.fetch("SELECT CONNECTION_ID() AS id"))[0]["id"]
    for row in others:
        if row["id"] != mine:
            await db.execute(f"KILL {row['id']}")
    await author(db, "UPDATE routing_rules SET priority = 8 WHERE id = 'r'")
    await eventually(lambda: (found := rule(feed)) and found.priority == 8, timeout=20)


async def test_a_publication_that_fails_again_is_tried_ever_less_often(
    hub: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> Outcome:
        raise MessageSizeTooLargeError("too large")

    monkeypatch.setattr(Publisher, "publish", refused)
    reconciler = Reconciler(hub)
    with capture_logs() as logs:

        def waits() -> list[float]:
            return [entry["retry_in_seconds"] for entry in logs if entry["event"] == "office_waits"]

        await reconciler.start()
        await eventually(lambda: len(waits()) >= 3)
        await reconciler.stop()
    assert waits()[:3] == [0.5, 1.0, 2.0]


async def test_a_mysql_that_is_away_is_waited_for(hub: Settings) -> None:
    elsewhere = load(
        _env_file=None,
        kafka_bootstrap_servers=hub.kafka_bootstrap_servers,
        mysql_dsn="mysql://posto:x@127.0.0.1:1/posto",
    )
    failures: list[BaseException] = []
    with capture_logs() as logs:
        reconciler = Reconciler(elsewhere, failures.append)
        await reconciler.start()
        await eventually(lambda: [entry["event"] for entry in logs].count("office_waits") >= 2)
        await reconciler.stop()
    assert failures == []


async def test_a_kafka_that_goes_away_is_waited_for(tmp_path: Path, mysql: str) -> None:
    broker = Broker(tmp_path)
    settings = load(
        _env_file=None,
        kafka_bootstrap_servers=broker.bootstrap_servers,
        mysql_dsn=mysql,
        posto_partitions=1,
        posto_reconcile_seconds=0.1,
    )
    await migrate(settings)
    db, feed, reconciler = database(settings), ConfigurationFeed(connection(settings)), Reconciler(settings)
    await author(db, *SEEDS)
    await reconciler.start()
    await feed.start()
    async with broker.running():
        await apply_topics(settings)
        await asyncio.wait_for(feed.ready(), 30)
    await author(db, "UPDATE routing_rules SET priority = 3 WHERE id = 'r'")
    async with broker.running():
        await eventually(lambda: (found := rule(feed)) and found.priority == 3, timeout=60)
    await asyncio.wait_for(asyncio.gather(feed.stop(), reconciler.stop()), 20)
    await db.close()
