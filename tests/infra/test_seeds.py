"""What a fresh database starts with, and what an older one gets later."""

from collections.abc import AsyncIterator, Sequence

import pytest

from adapters.mysql.pool import Database
from infra.database import database as database_of
from infra.defaults import default_rules, default_templates
from infra.migrations import migrate
from infra.seeds import seed
from infra.settings import Settings, load

pytestmark = pytest.mark.integration

RULES_OF_OWN_EVENTS = "0006_rules_for_own_events.sql"
RULE_FOR_REPLIES = "0014_replies.sql"


@pytest.fixture
async def settings(mysql: str) -> Settings:
    settings = load(_env_file=None, mysql_dsn=mysql)
    await migrate(settings)
    return settings


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    opened = database_of(settings)
    yield opened
    await opened.close()


async def rules(db: Database) -> set[tuple[str, str, str]]:
    rows = await db.fetch("SELECT id, event_type, action FROM routing_rules")
    return {(row["id"], row["event_type"], row["action"]) for row in rows}


async def upgraded(
    settings: Settings, db: Database, own: Sequence[tuple[str, str]], migration: str = RULES_OF_OWN_EVENTS
) -> set[tuple[str, str, str]]:
    """The rules of an installation from before the migration that had these, after it."""
    await db.execute("DELETE FROM schema_migrations WHERE name = %s", (migration,))
    for row in own:
        await db.execute("INSERT INTO routing_rules (id, event_type, action) VALUES (%s, %s, 'chat')", row)
    await migrate(settings)
    return await rules(db)


async def test_a_fresh_database_has_the_defaults_and_keeps_what_is_made_of_them(
    settings: Settings, db: Database
) -> None:
    await seed(settings)
    assert await rules(db) == {(rule.id, rule.event_type, rule.action) for rule in default_rules()}
    assert len(await db.fetch("SELECT name FROM message_templates")) == len(default_templates())
    await db.execute("DELETE FROM routing_rules WHERE id <> 'asaas.payment'")
    assert await seed(settings) == []
    assert len(await rules(db)) == 1


async def test_an_older_installation_gets_rules_for_the_hubs_own_events(settings: Settings, db: Database) -> None:
    assert await upgraded(settings, db, [("mine", "whatsapp.inbound.message")]) == {
        ("mine", "whatsapp.inbound.message", "chat"),
        ("whatsapp.outbound.message", "whatsapp.outbound.message", "none"),
        ("whatsapp.message", "whatsapp.message.*", "none"),
        ("whatsapp.unknown", "whatsapp.unknown.*", "none"),
    }


@pytest.mark.parametrize("pattern", ["whatsapp.*", "*"])
async def test_a_rule_of_a_person_that_covers_them_stays_alone(settings: Settings, db: Database, pattern: str) -> None:
    assert await upgraded(settings, db, [("mine", pattern)]) == {("mine", pattern, "chat")}


@pytest.mark.parametrize("pattern", ["billing.*", "*"])
async def test_an_older_installation_gets_a_rule_for_replies(settings: Settings, db: Database, pattern: str) -> None:
    assert await upgraded(settings, db, [("mine", pattern)], RULE_FOR_REPLIES) == {
        ("mine", pattern, "chat"),
        ("chat.outbound.message", "chat.outbound.message", "whatsapp"),
    }


async def test_a_rule_of_a_person_for_replies_stays_alone(settings: Settings, db: Database) -> None:
    assert await upgraded(settings, db, [("mine", "chat.*")], RULE_FOR_REPLIES) == {("mine", "chat.*", "chat")}
