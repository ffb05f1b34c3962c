import asyncio
import json
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from adapters.mysql.pool import Database
from infra.cli import app
from infra.configuration import PublicationError, publish_configuration, require_complete
from infra.settings import Settings
from schemas.configuration import SENTINEL_KEY, Change, Channel, Rule, Tenant
from streams import topics
from streams.configuration import Configuration, Published
from tests.support.topics import read

pytestmark = pytest.mark.integration

SEEDS = (
    "INSERT INTO tenants (id, name) VALUES (7, 'Um')",
    "INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (7, 'Canal Um')",
    "INSERT INTO message_templates (name, body) VALUES ('t', 'Olá {{ name }}')",
    "INSERT INTO routing_rules (id, event_type, action, template) VALUES ('r', 'a.b', 'whatsapp', 't')",
    "INSERT INTO routing_rules (id, event_type, action) VALUES ('s', 'a.*', 'none')",
)


async def author(db: Database, *statements: str) -> None:
    async with db.transaction() as session:
        for statement in statements:
            await session.execute(statement)


async def in_force(settings: Settings) -> Published:
    records = []
    for topic in (topics.CONFIG_CHANNEL, topics.CONFIG_TEMPLATE, topics.CONFIG_RULE):
        records += await read(settings.kafka_bootstrap_servers, topic)
    return Published().after(records)


async def test_rows_are_published_with_their_sentinel_and_in_the_log_of_changes(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS)
    outcome = await publish_configuration(hub)
    assert [(item.key.topic, item.key.id, item.version) for item in outcome.publications] == [
        (topics.CONFIG_CHANNEL, "canalum", 1),
        (topics.CONFIG_TEMPLATE, "t", 1),
        (topics.CONFIG_RULE, "r", 1),
        (topics.CONFIG_RULE, "s", 1),
    ]
    published = await in_force(hub)
    assert published.is_complete
    assert Configuration(published).channel_of_tenant(7) == Channel(
        id="canalum", version=1, channel_id="Canal Um", tenant=Tenant(id=7, name="Um")
    )
    assert [record.key for record in await read(hub.kafka_bootstrap_servers, topics.CONFIG_RULE)] == [
        b"r",
        b"s",
        SENTINEL_KEY,
    ]
    changes = [
        msgspec.json.decode(record.value, type=Change)
        for record in await read(hub.kafka_bootstrap_servers, topics.CONFIG_CHANGE)
    ]
    assert [(change.topic, change.id, change.version) for change in changes] == [
        (item.key.topic, item.key.id, item.version) for item in outcome.publications
    ]
    assert msgspec.convert(changes[3].value, Rule).event_type == "a.*"


async def test_only_what_differs_is_published_again(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS)
    await publish_configuration(hub)
    assert (await publish_configuration(hub)).publications == ()
    await author(db, "UPDATE routing_rules SET priority = 5 WHERE id = 'r'", "DELETE FROM routing_rules WHERE id = 's'")
    outcome = await publish_configuration(hub)
    assert [(item.key.id, item.version, item.entry is None) for item in outcome.publications] == [
        ("r", 2, False),
        ("s", 2, True),
    ]
    assert {key.id for key in (await in_force(hub)).entries} == {"canalum", "t", "r"}


async def test_a_rule_that_comes_back_long_after_has_a_higher_version(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS)
    await publish_configuration(hub)
    await author(db, "DELETE FROM routing_rules WHERE id = 's'")
    await publish_configuration(hub)
    await author(db, SEEDS[-1])
    assert [item.version for item in (await publish_configuration(hub)).publications] == [3]


async def test_a_tenants_change_publishes_its_channel(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS)
    await publish_configuration(hub)
    await author(db, "UPDATE tenants SET is_enabled = 0 WHERE id = 7")
    assert [str(item.key) for item in (await publish_configuration(hub)).publications] == ["config.channel/canalum"]
    assert Configuration(await in_force(hub)).channel_of_tenant(7) is None


async def test_a_set_that_vanished_is_refused_unless_it_is_meant(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS)
    await publish_configuration(hub)
    before = await in_force(hub)
    await author(db, "DELETE FROM routing_rules")
    with pytest.raises(PublicationError, match=r"MySQL lost all that was published on config\.rule.*--force"):
        await publish_configuration(hub)
    assert await in_force(hub) == before
    await publish_configuration(hub, force=True)
    assert {key.topic for key in (await in_force(hub)).entries} == {topics.CONFIG_CHANNEL, topics.CONFIG_TEMPLATE}


async def test_a_row_that_is_too_large_is_a_fault_and_the_others_are_published(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS, "INSERT INTO message_templates (name, body) VALUES ('u', REPEAT('x', 1100000))")
    outcome = await publish_configuration(hub)
    assert {key.id for key in outcome.faults} == {"u"}
    assert {item.key.id for item in outcome.publications} == {"canalum", "t", "r", "s"}
    await author(db, "UPDATE message_templates SET body = REPEAT('\"', 440000), is_enabled = 0 WHERE name = 'u'")
    assert [item.key.id for item in (await publish_configuration(hub)).publications] == ["u"]


async def test_without_rules_nothing_is_complete(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS[:2])
    empty = await publish_configuration(hub)
    assert not (await in_force(hub)).is_complete
    with pytest.raises(PublicationError, match=r"No rule can be put in force.*routing_rules has no row"):
        require_complete(empty)
    await author(db, "INSERT INTO routing_rules (id, event_type, action) VALUES ('bad', 'a..b', 'none')")
    with pytest.raises(PublicationError, match=r"No rule can be put in force.*config\.rule/bad is ignored: event_type"):
        require_complete(await publish_configuration(hub))
    await author(db, *SEEDS[2:])
    require_complete(await publish_configuration(hub))
    require_complete(await publish_configuration(hub))
    assert (await in_force(hub)).is_complete


async def test_several_publishers_at_once_give_each_version_once(hub: Settings, db: Database) -> None:
    await author(db, *SEEDS)
    outcomes = await asyncio.gather(*(publish_configuration(hub) for _ in range(4)))
    assert sorted(len(outcome.publications) for outcome in outcomes) == [0, 0, 0, 4]
    assert len(await read(hub.kafka_bootstrap_servers, topics.CONFIG_CHANGE)) == 4


async def test_the_command_publishes_and_says_what(
    hub: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", hub.kafka_bootstrap_servers)
    monkeypatch.setenv("MYSQL_DSN", hub.mysql_dsn.get_secret_value())

    async def posto_publish(*arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, ["publish", *arguments])

    await author(db, *SEEDS)
    done = json.loads((await posto_publish("--json")).stdout)
    assert done[0] == {"topic": "config.channel", "id": "canalum", "version": 1, "deleted": False}
    assert "All that MySQL says is published." in (await posto_publish()).stdout
    await author(db, "UPDATE routing_rules SET conditions = '5' WHERE id = 'r'")
    ignored = await posto_publish()
    assert ignored.exit_code == 3
    assert "The row of config.rule/r is ignored" in ignored.stderr
    await author(db, "DELETE FROM routing_rules")
    assert isinstance((await posto_publish()).exception, PublicationError)
    assert "config.rule      r                                deleted" in (await posto_publish("--force")).stdout


async def test_tables_that_are_missing_are_said(hub: Settings, db: Database) -> None:
    await author(db, "DROP TABLE routing_rules")
    with pytest.raises(PublicationError, match=r"could not be read from MySQL: .*routing_rules"):
        await publish_configuration(hub)
