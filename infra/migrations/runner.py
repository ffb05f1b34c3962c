"""Bring the schema up to date: in order, under a lock, with a checksum of every file that was applied.

MySQL commits every DDL statement by itself, so that a migration may stop half-way. Each statement is therefore written
so that it can be run again, and a migration that stopped is simply run once more.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog

from adapters.mysql.errors import DatabaseError, DatabaseRefusedError
from adapters.mysql.locks import held
from adapters.mysql.pool import Session
from infra.database import database, reachable
from infra.errors import OperatorError
from infra.settings import Settings

log = structlog.get_logger()

FOLDER: Final = Path(__file__).parent

_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_JOURNAL: Final = """CREATE TABLE IF NOT EXISTS schema_migrations (
    name        VARCHAR(191) NOT NULL PRIMARY KEY,
    checksum    CHAR(64)     NOT NULL,
    applied_at  DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"""


class MigrationError(OperatorError):
    """The schema could not be brought up to date; the message names the file and says what to do."""


@dataclass(frozen=True)
class Migration:
    """One file; `applied_at` (UTC) is None while it is pending."""

    name: str
    applied_at: datetime | None = None


@dataclass(frozen=True)
class _Script:
    name: str
    checksum: str
    statements: Sequence[str]


async def migrate(settings: Settings, folder: Path = FOLDER) -> list[str]:
    """Apply what is pending and return the names; waits for MySQL, and for another process that migrates."""
    scripts = _scripts(folder)
    async with _connected(settings) as session, held(session, "migrate", _say_waiting):
        journal = await _journal(session)
        applied = []
        for script in scripts:
            if (known := journal.get(script.name)) is None:
                await _apply(session, script)
                applied.append(script.name)
            elif known["checksum"] != script.checksum:
                raise MigrationError(
                    f"{script.name} was changed after it was applied on {known['applied_at']:%Y-%m-%d %H:%M} UTC: "
                    "restore the file, and write the change as a new migration"
                )
        return applied


async def migrations(settings: Settings, folder: Path = FOLDER) -> list[Migration]:
    """Every migration, applied or pending, in order. Changes nothing."""
    scripts = _scripts(folder)
    async with _connected(settings) as session:
        exists = await session.fetch("SHOW TABLES LIKE 'schema_migrations'")
        journal = await _applied(session) if exists else {}
    return [Migration(script.name, journal.get(script.name, {}).get("applied_at")) for script in scripts]


async def answers(settings: Settings) -> None:
    """Return once MySQL answers; MigrationError where it refuses us."""
    async with _connected(settings):
        pass


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Session]:
    db = database(settings, connections=1)
    try:
        await reachable(db)
        async with db.session(statement_timeout=None) as session:
            yield session
    except DatabaseRefusedError as error:
        raise MigrationError(
            f"MySQL refused: {error}; check MYSQL_DSN, that its database exists and its grants"
        ) from None
    except DatabaseError as error:
        raise MigrationError(f"the connection to MySQL was lost: {error}; run `posto migrate` again") from None
    finally:
        await db.close()


def _say_waiting() -> None:
    log.warning("migration_waiting", reason="another process is migrating this database")


async def _journal(session: Session) -> dict[str, dict[str, Any]]:
    await session.execute("SET sql_notes = 0")  # IF NOT EXISTS is meant
    await session.execute(_JOURNAL)
    return await _applied(session)


async def _applied(session: Session) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in await session.fetch("SELECT name, checksum, applied_at FROM schema_migrations")}


async def _apply(session: Session, script: _Script) -> None:
    for number, statement in enumerate(script.statements, 1):
        try:
            await session.execute(statement)
        except DatabaseError as error:
            raise MigrationError(
                f"{script.name} stopped at statement {number} of {len(script.statements)} ({_first_words(statement)}): "
                f"{error}; mend the cause and run `posto migrate` again, which repeats this file from its start"
            ) from error
    await session.execute(
        "INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (%s, %s, UTC_TIMESTAMP(6))",
        (script.name, script.checksum),
    )
    log.info("migration_applied", name=script.name)


def _scripts(folder: Path) -> list[_Script]:
    return [_script(file) for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))]


def _script(file: Path) -> _Script:
    """Read a file: each statement ends with a semicolon at the end of a line, comments have lines of their own."""
    text = file.read_text(encoding="utf-8")
    parts = re.split(r";[ \t]*$", _COMMENT.sub("", text), flags=re.MULTILINE)
    statements = [part.strip() for part in parts if part.strip()]
    return _Script(file.name, hashlib.sha256(text.encode()).hexdigest(), statements)


def _first_words(statement: str) -> str:
    return " ".join(statement.split()[:6])
