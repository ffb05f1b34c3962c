"""What can go wrong with MySQL: the class says what to do next, and no driver error leaves this package."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pymysql import err
from pymysql.constants import CR, ER


class DatabaseError(Exception):
    """Root of all errors of the database; `code` is MySQL's number, 0 where there is none."""

    def __init__(self, message: str, code: int = 0) -> None:
        self.code = code
        super().__init__(message)


class DatabaseUnavailableError(DatabaseError):
    """The database is away, starting, full or overloaded: the same work may succeed later, nothing of it was kept.

    After a lost connection it is not known whether a commit took effect: repeat only what may be repeated.
    """


class TransactionConflictError(DatabaseUnavailableError):
    """Another transaction was in the way (deadlock, lock wait): repeat the whole transaction at once."""


class DatabaseRefusedError(DatabaseError):
    """The database is not set up for this: login, grants, a table that `posto migrate` has yet to make."""


class DataRefusedError(DatabaseError):
    """A value was refused (too long, wrong type, a constraint): these rows can never be written."""


_CONFLICT: Final = frozenset({ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT})

_UNAVAILABLE: Final = frozenset(
    {
        ER.CON_COUNT_ERROR,
        ER.OUT_OF_RESOURCES,
        ER.OUTOFMEMORY,
        ER.DISK_FULL,
        ER.RECORD_FILE_FULL,
        ER.SERVER_SHUTDOWN,
        ER.TOO_MANY_USER_CONNECTIONS,
        ER.USER_LIMIT_REACHED,
        ER.OPTION_PREVENTS_STATEMENT,  # read-only: a replica that is about to be promoted
        1836,  # MySQL: read-only mode
        ER.NET_READ_ERROR,
        ER.NET_READ_INTERRUPTED,
        ER.NET_ERROR_ON_WRITE,
        ER.NET_WRITE_INTERRUPTED,
        ER.QUERY_INTERRUPTED,
        1927,  # MariaDB: connection was killed
        1969,  # MariaDB: max_statement_time exceeded
        3024,  # MySQL: max_execution_time exceeded
        4031,  # MySQL: disconnected because of inactivity
    }
)

_DATA: Final = frozenset(
    {
        ER.DATA_TOO_LONG,
        ER.TRUNCATED_WRONG_VALUE,
        ER.TRUNCATED_WRONG_VALUE_FOR_FIELD,
        ER.WARN_DATA_OUT_OF_RANGE,
        ER.BAD_NULL_ERROR,
        ER.DUP_ENTRY,
        ER.NO_REFERENCED_ROW,
        ER.NO_REFERENCED_ROW_2,
        ER.ROW_IS_REFERENCED,
        ER.ROW_IS_REFERENCED_2,
        ER.NET_PACKET_TOO_LARGE,
        1265,  # data truncated
        1406,  # data too long
        3140,  # MySQL: invalid JSON text
        3819,  # MySQL: check constraint violated
        4025,  # MariaDB: constraint failed (also its check of JSON columns)
        4038,  # MariaDB: syntax error in JSON text
    }
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the driver and of the socket below it into the tree above."""
    try:
        yield
    except err.MySQLError as error:
        raise _translate(error) from error
    except (OSError, TimeoutError, EOFError) as error:
        raise DatabaseUnavailableError(f"the connection to MySQL failed: {error or type(error).__name__}") from error


def _translate(error: err.MySQLError) -> DatabaseError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = f"{error.args[1]} (MySQL error {code})" if len(error.args) > 1 else str(error)
    if code in _CONFLICT:
        return TransactionConflictError(text, code)
    if code in _UNAVAILABLE or CR.CR_ERROR_FIRST <= code <= CR.CR_ERROR_LAST or isinstance(error, err.InterfaceError):
        return DatabaseUnavailableError(text, code)
    if code in _DATA or isinstance(error, err.DataError | err.IntegrityError):
        return DataRefusedError(text, code)
    return DatabaseRefusedError(text, code)


__all__ = [
    "DataRefusedError",
    "DatabaseError",
    "DatabaseRefusedError",
    "DatabaseUnavailableError",
    "TransactionConflictError",
    "translated",
]
