"""The database as the settings say, and waiting for one that is not there yet."""

import asyncio
from typing import Final

import structlog

from adapters.mysql.errors import DatabaseUnavailableError
from adapters.mysql.pool import Database
from infra.settings import MySQLAddress, Settings

log = structlog.get_logger()

_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 5.0


def database(settings: Settings, connections: int = 4) -> Database:
    """The database of MYSQL_DSN; SettingsError where it is not set. Connects when it is first used; close it."""
    return database_at(settings.mysql, connections)


def database_at(address: MySQLAddress, connections: int = 4) -> Database:
    """The database at an address. Connects when it is first used; close it."""
    return Database(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        database=address.database,
        connections=connections,
    )


async def reachable(database: Database) -> None:
    """Return once the database answers; until then say so and try again. A refused login is raised at once."""
    wait = _FIRST_WAIT
    while True:
        try:
            await database.fetch("SELECT 1")
        except DatabaseUnavailableError as error:
            log.warning("mysql_not_reachable", error=str(error), retry_in_seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        else:
            return
