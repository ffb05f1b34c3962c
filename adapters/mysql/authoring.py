"""Rules, templates and targets, row by row: read for a person who edits them, and written."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adapters.mysql.authored import entry_of, fields_of
from adapters.mysql.pool import Row, Session
from schemas.configuration import Rule, Target, Template
from streams import topics
from streams.configuration import Entry, Key


@dataclass(frozen=True)
class Table:
    """Where entries of a topic are authored: `id` is the column that names them, `columns` hold their content."""

    name: str
    id: str
    columns: Sequence[str]


TABLES: Final = {
    topics.CONFIG_RULE: Table(
        "routing_rules", "id", tuple(name for name in Rule.__struct_fields__ if name not in {"id", "version"})
    ),
    topics.CONFIG_TEMPLATE: Table(
        "message_templates", "name", tuple(name for name in Template.__struct_fields__ if name not in {"id", "version"})
    ),
    topics.CONFIG_TARGET: Table(
        "http_targets", "name", tuple(name for name in Target.__struct_fields__ if name not in {"id", "version"})
    ),
}


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is. `etag` is a hash of its content, whoever wrote it; `fault` says why it makes no sense.

    `fields` has what the row says; `entry` is None where that makes no sense.
    """

    key: Key
    fields: dict[str, Any]
    entry: Entry | None
    etag: str
    created_at: datetime
    updated_at: datetime
    fault: str | None = None


async def find(session: Session, key: Key, *, lock: bool = False) -> Written | None:
    """The row of an entry; with `lock` nobody else changes it, or names it first, until the transaction ends."""
    table = TABLES[key.topic]
    statement = f"{_selected(table)} WHERE {table.id} = %s{' FOR UPDATE' if lock else ''}"
    rows = await session.fetch(statement, (key.id,))
    return _written(key.topic, rows[0]) if rows else None


async def page(session: Session, topic: str, after: str, most: int, text: str | None = None) -> list[Written]:
    """Up to `most` rows by their ids, from behind one; with `text`, those that have it in their id or event type."""
    table = TABLES[topic]
    conditions, values = [f"{table.id} > %s"], [after]
    if text is not None:
        among = f"CONCAT({table.id}, ' ', event_type)" if "event_type" in table.columns else table.id
        conditions.append(f"LOCATE(%s, {among}) > 0")
        values.append(text)
    where = " AND ".join(conditions)
    statement = f"{_selected(table)} WHERE {where} ORDER BY {table.id} LIMIT {most:d}"
    return [_written(topic, row) for row in await session.fetch(statement, values)]


async def naming(session: Session, template: str) -> list[str]:
    """The enabled rules that name a template."""
    statement = "SELECT id FROM routing_rules WHERE template = %s AND is_enabled ORDER BY id"
    return [row["id"] for row in await session.fetch(statement, (template,))]


async def write(session: Session, key: Key, entry: Entry | None, *, is_new: bool) -> None:
    """Insert the row of an entry, change it, or with None delete it."""
    table = TABLES[key.topic]
    if entry is None:
        await session.execute(f"DELETE FROM {table.name} WHERE {table.id} = %s", (key.id,))  # noqa: S608
        return
    values = [_column(getattr(entry, column)) for column in table.columns]
    if is_new:
        names = ", ".join((table.id, *table.columns))
        places = ", ".join(["%s"] * (1 + len(table.columns)))
        await session.execute(f"INSERT INTO {table.name} ({names}) VALUES ({places})", (key.id, *values))  # noqa: S608
    else:
        assignments = ", ".join(f"{column} = %s" for column in table.columns)
        statement = f"UPDATE {table.name} SET {assignments} WHERE {table.id} = %s"  # noqa: S608
        await session.execute(statement, (*values, key.id))


def _selected(table: Table) -> str:
    columns = ", ".join((table.id, *table.columns, "created_at", "updated_at"))
    return f"SELECT {columns} FROM {table.name}"  # noqa: S608 (names of ours)


def _written(topic: str, row: Row) -> Written:
    table = TABLES[topic]
    content = msgspec.json.encode([row[column] for column in (table.id, *table.columns)])
    entry, fault = None, None
    try:
        entry = entry_of(topic, row)
    except ValueError as error:
        fault = str(error)
    return Written(
        key=Key(topic, row[table.id]),
        fields=fields_of(topic, row),
        entry=entry,
        etag=hashlib.sha256(content).hexdigest()[:32],
        created_at=row["created_at"].replace(tzinfo=UTC),
        updated_at=row["updated_at"].replace(tzinfo=UTC),
        fault=fault,
    )


def _column(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else value
