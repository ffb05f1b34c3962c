"""SQL that takes many rows as one JSON value: understood alike by MySQL 8 and MariaDB 10.11.

Text columns are read as LONGTEXT: JSON_TABLE itself cuts silently what is too long, the table's own column refuses it.
Columns with long values come last, and wide rows are folded: MariaDB reads a row's JSON from its start for every
column, and that of a nested one from its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

Row = dict[str, Any]


class Kind(StrEnum):
    """What a column of the JSON rows holds, as its type in JSON_TABLE."""

    TEXT = "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    INTEGER = "BIGINT"
    TIME = "DATETIME(6)"
    BYTES = "LONGTEXT CHARACTER SET utf8mb4"
    """Base64 on the way, bytes in the table."""


TEXT: Final = Kind.TEXT
INTEGER: Final = Kind.INTEGER
TIME: Final = Kind.TIME
BYTES: Final = Kind.BYTES

Columns = Mapping[str, Kind]

ROWS_AT_ONCE: Final = 1_000
BYTES_AT_ONCE: Final = 2_000_000
"""Bounds of one statement's JSON. A record of 1 MB grows at most fourfold on its way into a statement, so that the
largest one stays below the 16 MB that MariaDB takes as it is installed."""

_FOLD: Final = 8  # columns; with 4 to 12 a row of 30 is read in two thirds of the time

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL over many rows, which it takes as one value: a JSON array of arrays in the order of `columns`, folded."""

    sql: str
    columns: Columns

    def documents(self, rows: Iterable[Row]) -> Iterator[str]:
        """The rows as values for the statement, each small enough for one run; what a row lacks is NULL."""
        held: list[bytes] = []
        size = 0
        for row in rows:
            encoded = _encode(_folded([row.get(name) for name in self.columns]))
            if held and (len(held) >= ROWS_AT_ONCE or size + len(encoded) > BYTES_AT_ONCE):
                yield _array(held)
                held, size = [], 0
            held.append(encoded)
            size += len(encoded)
        if held:
            yield _array(held)


def over(columns: Columns, sql: str) -> Statement:
    """A statement in which `{rows}` stands for the rows, as a table named `new`.

    Arrays are read more than twice as fast as objects. Let the rows lead a STRAIGHT_JOIN: an optimizer that knows
    nothing of them may read the whole other table for each.
    """
    listed = _listed(list(columns.items()))
    return Statement(sql.replace("{rows}", f"JSON_TABLE(%s, '$[*]' COLUMNS ({listed})) AS new"), columns)


def upsert(table: str, columns: Columns, merge: Mapping[str, str]) -> Statement:
    """Insert rows; where one is there, assign what `merge` says, in its order (a later one sees the earlier ones).

    In `merge`, `old.` is the row that is there and `new.` the one that comes.
    """
    selected = ", ".join(
        f"FROM_BASE64(new.{name})" if kind is BYTES else f"new.{name}" for name, kind in columns.items()
    )
    assigned = ", ".join(f"{name} = {expression.replace('old.', f'{table}.')}" for name, expression in merge.items())
    return over(
        columns,
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {selected} FROM {{rows}} "  # noqa: S608
        f"ON DUPLICATE KEY UPDATE {assigned}",
    )


def first(*names: str) -> dict[str, str]:
    """Keep what is there; fill in what is not."""
    return {name: f"COALESCE(old.{name}, new.{name})" for name in names}


def latest(*names: str) -> dict[str, str]:
    """Take what comes, unless it is NULL."""
    return {name: f"COALESCE(new.{name}, old.{name})" for name in names}


def least(*names: str) -> dict[str, str]:
    """The smaller of both; NULL counts as unknown."""
    return {name: f"LEAST(COALESCE(old.{name}, new.{name}), COALESCE(new.{name}, old.{name}))" for name in names}


def greatest(*names: str) -> dict[str, str]:
    """The larger of both; NULL counts as unknown."""
    return {name: f"GREATEST(COALESCE(old.{name}, new.{name}), COALESCE(new.{name}, old.{name}))" for name in names}


def where(condition: str, *names: str) -> dict[str, str]:
    """Take what comes where a condition holds; a column that the condition reads belongs last."""
    return {name: f"IF({condition}, new.{name}, old.{name})" for name in names}


def time(moment: datetime | None) -> str | None:
    """A moment as a DATETIME in UTC."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def json(value: Any) -> str:
    """A value as the text of a JSON column."""
    return _encode(value).decode()


def cut(text: Any, length: int) -> str | None:
    """The beginning of a text that is only for reading; None for what is no text, as a payload may hold anything."""
    if not isinstance(text, str):
        return None
    return text if len(text) <= length else text[: length - 1] + "…"


def _array(encoded: Sequence[bytes]) -> str:
    return (b"[" + b",".join(encoded) + b"]").decode()


def _folded(values: list[Any]) -> list[Any]:
    """The first values, then a list of the next, and so on."""
    return [*values[:_FOLD], _folded(values[_FOLD:])] if len(values) > _FOLD else values


def _listed(columns: Sequence[tuple[str, Kind]]) -> str:
    """Where JSON_TABLE finds each column in a folded row."""
    listed = [f"{name} {kind.value} PATH '$[{place}]'" for place, (name, kind) in enumerate(columns[:_FOLD])]
    if len(columns) > _FOLD:
        listed.append(f"NESTED PATH '$[{_FOLD}]' COLUMNS ({_listed(columns[_FOLD:])})")
    return ", ".join(listed)
