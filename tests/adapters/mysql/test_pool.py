"""The pool: sessions as the hub wants them, transactions, and errors of our own only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from adapters.mysql import pool
from adapters.mysql.errors import (
    DatabaseError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    DataRefusedError,
    TransactionConflictError,
)
from adapters.mysql.pool import Database
from infra.database import database as database_of
from infra.settings import load
from tests.support.relay import Relay

pytestmark = pytest.mark.integration


@pytest.fixture
async def things(mysql: str) -> AsyncIterator[Database]:
    """A database with one small table."""
    opened = database_of(load(mysql_dsn=mysql))
    await opened.execute("CREATE TABLE things (id INT PRIMARY KEY, name VARCHAR(5) NULL)")
    yield opened
    await opened.close()


async def ids(database: Database) -> list[int]:
    return [row["id"] for row in await database.fetch("SELECT id FROM things ORDER BY id")]


async def test_sessions_are_in_utc_strict_and_speak_utf8(things: Database) -> None:
    (row,) = await things.fetch("SELECT @@session.time_zone AS zone, @@session.sql_mode AS mode, %s AS text", ("é😀%",))
    assert row["zone"] == "+00:00"
    assert "STRICT_ALL_TABLES" in row["mode"]
    assert row["text"] == "é😀%"
    (now,) = await things.fetch("SELECT UTC_TIMESTAMP(6) AS utc, NOW(6) AS now")
    assert isinstance(now["utc"], datetime)
    assert abs((now["utc"] - now["now"]).total_seconds()) < 1


async def test_texts_arrive_as_they_are(things: Database) -> None:
    everything = "".join(map(chr, range(0x250))) + "\u2028\U0001f600"
    for text in (everything, everything[::-1], "\\", "\\\\'", "'", "''", "\\' OR 1 -- ", '"', "%s %%", ""):
        (row,) = await things.fetch("SELECT %s AS text, LENGTH(%s) AS bytes", (text, text))
        assert row == {"text": text, "bytes": len(text.encode())}


async def test_a_transaction_is_kept_whole_or_not_at_all(things: Database) -> None:
    async def insert(number: int, error: Exception | None = None) -> None:
        async with things.transaction() as session:
            await session.execute("INSERT INTO things (id) VALUES (%s)", (number,))
            if error:
                raise error

    await insert(1)
    with pytest.raises(RuntimeError, match="changed my mind"):
        await insert(2, RuntimeError("changed my mind"))
    assert await ids(things) == [1]


async def test_a_cancelled_transaction_leaves_nothing_and_the_pool_goes_on(things: Database) -> None:
    began = asyncio.Event()

    async def work() -> None:
        async with things.transaction() as session:
            await session.execute("INSERT INTO things (id) VALUES (1)")
            began.set()
            await session.execute("DO SLEEP(1)")

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ids(things) == []


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO things (id, name) VALUES (1, 'too long')", DataRefusedError),
        ("INSERT INTO things (id) VALUES ('one')", DataRefusedError),
        ("INSERT INTO things (id) VALUES (99999999999)", DataRefusedError),
        ("INSERT INTO things (id) VALUES (NULL)", DataRefusedError),
        ("INSERT INTO things (id) VALUES (7), (7)", DataRefusedError),
        ("SELECT * FROM missing", DatabaseRefusedError),
        ("SELEC 1", DatabaseRefusedError),
        ("CREATE DATABASE not_allowed", DatabaseRefusedError),
        ("KILL QUERY CONNECTION_ID()", DatabaseUnavailableError),
    ],
)
async def test_each_refusal_says_what_to_do_next(things: Database, statement: str, error: type[DatabaseError]) -> None:
    with pytest.raises(DatabaseError) as raised:
        await things.execute(statement)
    assert type(raised.value) is error
    assert raised.value.code > 0


async def test_a_deadlock_is_a_conflict(things: Database) -> None:
    await things.execute("INSERT INTO things (id) VALUES (1), (2)")
    both_hold = asyncio.Barrier(2)

    async def take(first: int, second: int) -> None:
        async with things.transaction() as session:
            await session.execute("UPDATE things SET name = 'a' WHERE id = %s", (first,))
            await both_hold.wait()
            await session.execute("UPDATE things SET name = 'b' WHERE id = %s", (second,))

    outcomes = await asyncio.gather(take(1, 2), take(2, 1), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [TransactionConflictError]


async def test_a_server_that_goes_away_is_unavailable_and_used_again_when_it_is_back(
    mysql: str, things: Database
) -> None:
    async def insert_around(disturb: Callable[[], Awaitable[None]]) -> None:
        async with database.transaction() as session:
            await session.execute("INSERT INTO things (id) VALUES (1)")
            await disturb()
            await session.execute("INSERT INTO things (id) VALUES (2)")

    async with Relay(mysql) as relay:
        database = database_of(load(mysql_dsn=relay.url))
        with pytest.raises(DatabaseUnavailableError):
            await database.fetch("SELECT 1")
        await relay.give()
        assert await ids(database) == []
        with pytest.raises(DatabaseUnavailableError):
            await insert_around(relay.take_away)
        await relay.give()
        assert await ids(database) == []
        await database.close()


async def test_a_statement_that_takes_too_long_counts_as_a_server_that_is_away(
    things: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with things.session(statement_timeout=0.1) as session:
        with pytest.raises(DatabaseUnavailableError):
            await session.fetch("SELECT SLEEP(30)")
    assert await ids(things) == []


async def test_a_warning_of_the_server_is_logged(things: Database) -> None:
    with capture_logs() as logs:
        await things.execute("DROP TABLE IF EXISTS missing")
    assert [line["event"] for line in logs] == ["mysql_warning"]


async def test_a_login_that_is_refused_is_not_waited_for(mysql: str) -> None:
    address = load(mysql_dsn=mysql).mysql
    database = Database(
        host=address.host, port=address.port, user=address.user, password="wrong", database=address.database
    )
    with pytest.raises(DatabaseRefusedError, match="Access denied"):
        await database.fetch("SELECT 1")
    await database.close()


async def test_closing_breaks_what_is_under_way(things: Database) -> None:
    async with asyncio.timeout(pool.CONNECT_TIMEOUT):
        sleeping = asyncio.create_task(things.fetch("SELECT SLEEP(30)"))
        while not await things.fetch("SELECT 1 FROM information_schema.processlist WHERE info = 'SELECT SLEEP(30)'"):
            pass
        await things.close()
        with pytest.raises(DatabaseUnavailableError):
            await sleeping


async def test_who_waits_for_a_connection_gets_the_place_of_one_that_was_dropped(mysql: str) -> None:
    database = database_of(load(mysql_dsn=mysql), connections=1)
    async with database.session() as session:
        waiting = asyncio.create_task(database.fetch("SELECT 1 AS one"))
        await asyncio.sleep(0)  # so that it waits
        await session.abandon()
    async with asyncio.timeout(pool.ACQUIRE_TIMEOUT - 5):
        assert await waiting == [{"one": 1}]
    await database.close()


async def test_a_connection_that_never_becomes_free_is_a_database_that_is_away(
    mysql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = database_of(load(mysql_dsn=mysql), connections=1)
    async with database.session() as session:
        monkeypatch.setattr(pool, "ACQUIRE_TIMEOUT", 0.05)
        with pytest.raises(DatabaseUnavailableError, match="none of 1 connections to MySQL became free"):
            async with asyncio.timeout(pool.CONNECT_TIMEOUT):
                await database.fetch("SELECT 1")
        assert await session.fetch("SELECT 1 AS one") == [{"one": 1}]
    monkeypatch.undo()
    assert await database.fetch("SELECT 1 AS one") == [{"one": 1}]
    await database.close()
