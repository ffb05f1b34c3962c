"""A pool of connections to MySQL: UTC, strict, one transaction or one statement at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiomysql
import structlog

from adapters.mysql.errors import DatabaseUnavailableError, translated

log = structlog.get_logger()

Row = dict[str, Any]
SQL = str | bytes

CONNECT_TIMEOUT: Final = 10.0
ACQUIRE_TIMEOUT: Final = 15.0
"""Seconds that a connection of the pool is waited for, one that has to be opened included."""
STATEMENT_TIMEOUT: Final = 60.0
"""Seconds that a statement may take; a longer one counts as a database that is away."""

_RECYCLE: Final = 1800  # seconds: below the idle limits that servers and balancers usually have
_SQL_MODE: Final = "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
_SESSION: Final = "SET time_zone = '+00:00'"
_DEPRECATED: Final = 1287  # MySQL 8, of VALUES() in an upsert: what it wants instead, MariaDB does not know
_ISOLATION: Final = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
_ONE_MOMENT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


class Database:
    """Connections to one database, opened as they are needed; every method raises the errors of `errors.py` only.

    Values are given as `%s` in the statement and a sequence beside it. Datetimes come back naive, in UTC.
    """

    def __init__(self, *, host: str, port: int, user: str, password: str, database: str, connections: int = 4) -> None:
        self.name = database
        self._connection = {"host": host, "port": port, "user": user, "password": password, "db": database}
        self._connections = connections
        self._pool: Any = None
        self._free = asyncio.Semaphore(connections)  # the pool wakes nobody up when it gets a closed connection back

    async def close(self) -> None:
        """Close all connections at once; what is under way in one of them is undone."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
            await pool.wait_closed()

    async def fetch(self, statement: SQL, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that a statement gives."""
        async with self._session() as session:
            return await session.fetch(statement, values)

    async def execute(self, statement: SQL, values: Sequence[Any] = ()) -> int:
        """Run a statement that commits by itself; the number of rows it touched."""
        async with self._session() as session:
            return await session.execute(statement, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Session"]:
        """Commit what is done inside, or roll it back where an error leaves the block. Reads see what is committed."""
        async with self._session() as session:
            await session.execute(_ISOLATION)
            await session.execute("START TRANSACTION")
            try:
                yield session
            except BaseException:
                await session.abandon()
                raise
            await session.execute("COMMIT")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Session"]:
        """Several reads of one moment: all see what was committed when the block began."""
        async with self._session() as session:
            await session.execute(_ONE_MOMENT)
            await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            try:
                yield session
            except BaseException:
                await session.abandon()
                raise
            await session.execute("COMMIT")

    @asynccontextmanager
    async def session(self, statement_timeout: float | None = STATEMENT_TIMEOUT) -> AsyncIterator["Session"]:
        """One connection for several statements, each committing by itself; no time limit with None."""
        async with self._session(statement_timeout) as session:
            yield session

    @asynccontextmanager
    async def _session(self, statement_timeout: float | None = STATEMENT_TIMEOUT) -> AsyncIterator["Session"]:
        pool, free = self._open(), self._free
        await _in_time(free.acquire(), self._connections)
        try:
            if self._pool is not pool:
                raise DatabaseUnavailableError("the connections to MySQL were closed meanwhile")
            connection = await _in_time(pool.acquire(), self._connections)
            try:
                yield Session(connection, statement_timeout)
            finally:
                if self._pool is None:
                    connection.close()
                else:
                    await self._pool.release(connection)
        finally:
            free.release()

    def _open(self) -> Any:
        if self._pool is None:
            self._free = asyncio.Semaphore(self._connections)
            self._pool = aiomysql.Pool(
                minsize=0,
                maxsize=self._connections,
                echo=False,
                pool_recycle=_RECYCLE,
                loop=asyncio.get_running_loop(),
                **self._connection,
                charset="utf8mb4",
                sql_mode=_SQL_MODE,
                init_command=_SESSION,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT,
                cursorclass=_Cursor,
            )
        return self._pool


class Session:
    """One connection in use."""

    def __init__(self, connection: Any, statement_timeout: float | None) -> None:
        self._connection = connection
        self._timeout = statement_timeout

    async def fetch(self, statement: SQL, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that a statement gives."""
        with translated():
            async with asyncio.timeout(self._timeout), self._connection.cursor() as cursor:
                await cursor.execute(statement, values or None)
                return list(await cursor.fetchall())

    async def execute(self, statement: SQL, values: Sequence[Any] = ()) -> int:
        """Run a statement; the number of rows it touched."""
        with translated():
            async with asyncio.timeout(self._timeout), self._connection.cursor() as cursor:
                return int(await cursor.execute(statement, values or None))

    async def abandon(self) -> None:
        """Drop the connection, which undoes an open transaction even where the server no longer listens."""
        self._connection.close()


async def _in_time(acquiring: Awaitable[Any], connections: int) -> Any:
    try:
        async with asyncio.timeout(ACQUIRE_TIMEOUT):
            with translated():
                return await acquiring
    except TimeoutError as error:
        raise DatabaseUnavailableError(
            f"none of {connections} connections to MySQL became free within {ACQUIRE_TIMEOUT:g} s"
        ) from error


class _Cursor(aiomysql.DictCursor):  # type: ignore[misc]
    """Rows as dicts; a warning of the server goes to our log instead of Python's warnings."""

    async def _show_warnings(self, conn: Any) -> None:
        for severity, code, message in await conn.show_warnings() or ():
            if code != _DEPRECATED:
                log.warning("mysql_warning", severity=severity, code=code, message=message)


__all__ = ["SQL", "Database", "Row", "Session"]
