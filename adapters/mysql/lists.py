"""Long tables read page by page, the newest first, each page from one index and never from more rows than are bounded.

What an index does not answer is looked for among so many of the next rows, so a page may be short, or empty, and the
list still go on: no filter makes a call slow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.mysql.pool import Database, Row

LOOKED_THROUGH: Final = 500
"""So many rows are looked through for what no index answers: each may be a page that has to come from the disk."""


@dataclass(frozen=True)
class Table:
    """A table with its lists. All of its indexes end with `time`; `key` tells rows of one time apart.

    `conditions` are filters by name, each with its value as `%s`, once or more; `indexes` the filters that one answers
    alone, the most selective first, with the index of none last.
    """

    name: str
    columns: str
    time: str
    conditions: Mapping[str, str]
    indexes: Mapping[str | None, str]
    key: str = "id"
    unique: str = "PRIMARY"
    """The index of `key` alone."""
    always: str = "TRUE"
    """What holds for every row that is listed."""
    with_key: Sequence[str] = ()
    """Columns without which `key` names no row."""
    joins: str = ""
    """Where what is shown of a row beside itself comes from; the row is called `one`, also in the conditions."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for: `filters` by the names that the table has for them, None for any; times are naive, in UTC."""

    limit: int
    filters: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    after: "Position | None" = None


@dataclass(frozen=True)
class Position:
    """Of a row in a list."""

    time: datetime
    key: int | str


@dataclass(frozen=True)
class Found:
    """Rows, and the position after which the list goes on; None at its end."""

    rows: Sequence[Row]
    after: Position | None


async def found(db: Database, table: Table, wanted: Wanted) -> Found:
    """A page of the rows that are wanted: what comes in meanwhile pushes nothing out of it."""
    last_of, rows_of = statements(table, wanted)
    async with db.snapshot() as session:
        last = await session.fetch(*last_of)
        rows = await session.fetch(*rows_of)
    if len(rows) == wanted.limit:
        return Found(rows, Position(rows[-1]["position_time"], rows[-1]["position_key"]))
    return Found(rows, Position(last[0][table.time], last[0][table.key]) if last else None)


Statement = tuple[str, Sequence[Any]]


def statements(table: Table, wanted: Wanted) -> tuple[Statement, Statement]:
    """What finds the last of the rows that are looked through, and what finds a page among them."""
    given = {name: value for name, value in wanted.filters.items() if value is not None}
    indexed = next(name for name in table.indexes if name is None or name in given)
    conditions, values = _range(table, wanted, {indexed: given[indexed]} if indexed else {})
    rest = {name: value for name, value in given.items() if name != indexed}
    looked = LOOKED_THROUGH if rest else wanted.limit
    index = table.indexes[indexed]
    names = (*table.with_key, table.key)
    rows_of = (
        f"SELECT {', '.join(names)}, {table.time} FROM {table.name} AS one FORCE INDEX ({index}) WHERE {conditions} "  # noqa: S608
        f"ORDER BY {table.time} DESC, {table.key} DESC"
    )
    others, others_values = _met(table, rest)
    same = " AND ".join(f"one.{name} = looked.{name}" for name in names)
    page = (
        f"SELECT {table.columns}, looked.{table.time} AS position_time, looked.{table.key} AS position_key "  # noqa: S608
        f"FROM ({rows_of} LIMIT %s) AS looked STRAIGHT_JOIN {table.name} AS one FORCE INDEX ({table.unique}) "
        f"ON {same} {table.joins} "
        f"WHERE {' AND '.join(others) or 'TRUE'} ORDER BY looked.{table.time} DESC, looked.{table.key} DESC LIMIT %s"
    )
    return (
        (f"{rows_of} LIMIT 1 OFFSET %s", (*values, looked - 1)),
        (page, (*values, looked, *others_values, wanted.limit)),
    )


def _met(table: Table, filters: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """The conditions of filters with their values; several values of one are a list of them in SQL."""
    said: list[str] = []
    values: list[Any] = []
    for name, value in filters.items():
        condition = table.conditions[name]
        several = value if isinstance(value, tuple) else (value,)
        said.append(condition.replace("%s", ", ".join(["%s"] * len(several))))
        values += several * condition.count("%s")
    return said, values


def _range(table: Table, wanted: Wanted, indexed: Mapping[str, Any]) -> tuple[str, list[Any]]:
    said, values = _met(table, indexed)
    said.insert(0, table.always)
    for condition, value in ((f"{table.time} >= %s", wanted.since), (f"{table.time} < %s", wanted.until)):
        if value is not None:
            said.append(condition)
            values.append(value)
    if (after := wanted.after) is not None:
        said.append(f"{table.time} <= %s AND ({table.time} < %s OR {table.key} < %s)")
        values += [after.time, after.time, after.key]
    return " AND ".join(said), values
