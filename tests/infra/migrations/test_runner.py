"""Migrations: in order, once, under a lock, and never silently changed."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.mysql.locks import held
from adapters.mysql.pool import Database
from infra.database import database as database_of
from infra.migrations import MigrationError, migrate, migrations
from infra.migrations.runner import FOLDER
from infra.settings import Settings, load
from tests.support.relay import Relay
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(mysql: str) -> Settings:
    return load(mysql_dsn=mysql)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = database_of(settings)
    yield opened
    await opened.close()


def write(folder: Path, **files: str) -> Path:
    for name, sql in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(sql)
    return folder


async def test_the_schema_is_made_once(settings: Settings) -> None:
    names = sorted(file.name for file in FOLDER.glob("*.sql"))
    assert await migrate(settings) == names
    assert await migrate(settings) == []
    assert all(one.applied_at for one in await migrations(settings))


def test_no_two_files_have_one_number() -> None:
    numbers = [int(file.name.split("_")[0]) for file in sorted(FOLDER.glob("*.sql"))]
    assert numbers == sorted(set(numbers))


async def test_every_statement_can_be_run_again(settings: Settings, database: Database) -> None:
    await migrate(settings)
    await database.execute("DELETE FROM schema_migrations")
    with capture_logs() as logs:
        assert len(await migrate(settings)) == len(list(FOLDER.glob("*.sql")))
    assert [line for line in logs if line["event"] == "mysql_warning"] == []


async def test_processes_that_migrate_at_once_apply_each_file_once(settings: Settings) -> None:
    applied = await asyncio.gather(*(migrate(settings) for _ in range(4)))
    assert sorted(len(names) for names in applied) == [0, 0, 0, len(list(FOLDER.glob("*.sql")))]


async def test_one_that_waits_for_another_says_so_and_goes_on(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.mysql.locks._WAIT", 0.05)
    with capture_logs() as logs:
        async with database.session() as session, held(session, "migrate"):
            waiting = asyncio.create_task(migrate(settings))
            await eventually(lambda: any(line["event"] == "migration_waiting" for line in logs))
        assert await waiting


async def test_files_are_applied_in_order_and_comments_are_no_statements(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    write(
        tmp_path,
        m0002_rows="INSERT INTO things VALUES (1);\nINSERT INTO things\nVALUES (2);",
        m0001_table="-- things; with a semicolon\nCREATE TABLE IF NOT EXISTS things (id INT PRIMARY KEY);\n",
        mnotes="this is no SQL",
    )
    assert await migrate(settings, tmp_path) == ["0001_table.sql", "0002_rows.sql"]
    assert await database.fetch("SELECT id FROM things") == [{"id": 1}, {"id": 2}]


async def test_a_file_that_changed_after_it_was_applied_is_named(settings: Settings, tmp_path: Path) -> None:
    await migrate(settings, write(tmp_path, m0001_a="CREATE TABLE IF NOT EXISTS a (id INT);"))
    write(tmp_path, m0001_a="CREATE TABLE IF NOT EXISTS a (id BIGINT);", m0002_b="CREATE TABLE b (id INT);")
    with pytest.raises(MigrationError, match=r"0001_a\.sql was changed after it was applied on .* new migration"):
        await migrate(settings, tmp_path)
    assert [one.applied_at is not None for one in await migrations(settings, tmp_path)] == [True, False]


async def test_a_migration_that_stopped_is_named_and_goes_through_once_mended(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    whole = "CREATE TABLE IF NOT EXISTS a (id INT);\nCREATE TABLE IF NOT EXISTS c AS SELECT id FROM missing;"
    with pytest.raises(MigrationError) as raised:
        await migrate(settings, write(tmp_path, m0001_a=whole, m0002_b="CREATE TABLE IF NOT EXISTS b (id INT);"))
    said = str(raised.value)
    assert re.search(r"0001_a\.sql stopped at statement 2 of 2 \(CREATE TABLE IF NOT EXISTS c\).*missing", said)
    assert "run `posto migrate` again" in said
    assert await database.fetch("SHOW TABLES LIKE 'b'") == []
    await database.execute("CREATE TABLE missing (id INT)")
    assert await migrate(settings, tmp_path) == ["0001_a.sql", "0002_b.sql"]


async def test_a_login_that_is_refused_is_said_at_once(mysql: str) -> None:
    wrong = re.sub(r":[^:@/]*@", ":wrong@", mysql)
    with pytest.raises(MigrationError, match=r"Access denied.*MYSQL_DSN"):
        await migrate(load(mysql_dsn=wrong))


async def test_a_database_that_is_missing_is_said_at_once(mysql: str) -> None:
    with pytest.raises(MigrationError, match=r"MYSQL_DSN"):
        await migrate(load(mysql_dsn=f"{mysql}_missing"))


async def test_a_server_that_is_not_there_yet_is_waited_for(mysql: str) -> None:
    async with Relay(mysql) as relay:
        with capture_logs() as logs:
            waiting = asyncio.create_task(migrate(load(mysql_dsn=relay.url)))
            await eventually(lambda: any(line["event"] == "mysql_not_reachable" for line in logs))
            await relay.give()
            assert await waiting


async def test_names_a_person_may_use_in_plain_sql_have_defaults(settings: Settings, database: Database) -> None:
    await migrate(settings)
    await database.execute("INSERT INTO tenants (name) VALUES ('Tenant Demo')")
    await database.execute("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (1, 'Canal Um')")
    await database.execute("INSERT INTO routing_rules (event_type, action) VALUES ('a.*', 'none')")
    await database.execute("INSERT INTO message_templates (name, body) VALUES ('x', 'Olá')")
    (channel,) = await database.fetch("SELECT * FROM tenant_message_channels")
    assert (channel["provider"], channel["canonical_channel"], channel["is_enabled"]) == ("wpp_gateway", "canalum", 1)
    assert channel["created_at"] is not None
    (rule,) = await database.fetch("SELECT * FROM routing_rules")
    assert (rule["priority"], rule["is_enabled"], rule["policy"], rule["version"]) == (100, 1, "at_most_once", 0)
