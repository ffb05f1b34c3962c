"""SQL that takes many rows at once: understood alike by MySQL 8 and MariaDB 10.11.

Rows that are inserted or looked for stand in the statement as SQL; those that are joined come as one JSON
value. Text columns of the latter are read as LONGTEXT: JSON_TABLE itself cuts silently what is too
long, the table's own column refuses it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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


TEXT: Final = Kind.TEXT
INTEGER: Final = Kind.INTEGER

ROWS_AT_ONCE: Final = 1_000
BYTES_AT_ONCE: Final = 2_000_000
"""Bounds of one statement's rows. A record of 1 MB grows at most fourfold on its way into a statement, so that the
largest one stays below the 16 MB that MariaDB takes as it is installed."""

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL around rows, of which each is a JSON array in the order of `columns`; `render` makes one SQL text of them."""

    columns: Sequence[str]
    before: bytes
    render: Callable[[Sequence[bytes]], bytes]
    after: bytes

    def filled(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """The statement for all rows, in portions of a bounded size; what a row lacks is NULL."""
        held: list[bytes] = []
        size = 0
        for row in rows:
            encoded = _encode([row.get(name) for name in self.columns])
            if held and (len(held) >= ROWS_AT_ONCE or size + len(encoded) > BYTES_AT_ONCE):
                yield self.before + self.render(held) + self.after
                held, size = [], 0
            held.append(encoded)
            size += len(encoded)
        if held:
            yield self.before + self.render(held) + self.after


def over(columns: Mapping[str, Kind], sql: str) -> Statement:
    """A statement in which `{rows}` stands for the rows, as a table named `new`.

    Arrays are read more than twice as fast as objects. Let the rows lead a STRAIGHT_JOIN: an optimizer that knows
    nothing of them may read the whole other table for each.
    """
    listed = ", ".join(f"{name} {kind.value} PATH '$[{place}]'" for place, (name, kind) in enumerate(columns.items()))
    before, after = sql.split("{rows}")
    return Statement(
        tuple(columns),
        f"{before}JSON_TABLE(".encode(),
        _as_json,
        f", '$[*]' COLUMNS ({listed})) AS new{after}".encode(),
    )


def among(column: str, sql: str) -> Statement:
    """A statement in which `{rows}` stands for a list of what the rows have in one column, after IN."""
    before, after = sql.split("{rows}")
    return Statement((column,), f"{before}(".encode(), _as_list, f"){after}".encode())


def upsert(table: str, columns: Iterable[str], merge: Mapping[str, str]) -> Statement:
    """Insert rows; where one is there, assign what `merge` says, in its order (a later one sees the earlier ones).

    In `merge`, `old.` is the row that is there and `new.` the one that comes.
    """
    columns = tuple(columns)
    assigned = _NEW.sub(r"VALUES(\1)", ", ".join(f"{name} = {expression}" for name, expression in merge.items()))
    return Statement(
        columns,
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ".encode(),  # noqa: S608
        _as_values,
        f" ON DUPLICATE KEY UPDATE {assigned.replace('old.', f'{table}.')}".encode(),
    )


_NEW: Final = re.compile(r"\bnew\.(\w+)")


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
    return None if moment is None else moment.astimezone(UTC).isoformat(" ").removesuffix("+00:00")


def json(value: Any) -> str:
    """A value as the text of a JSON column."""
    return _encode(value).decode()


def cut(text: Any, length: int) -> str | None:
    """The beginning of a text that is only for reading; None for what is no text, as a payload may hold anything."""
    if not isinstance(text, str):
        return None
    return text if len(text) <= length else text[: length - 1] + "…"


def binary(octets: bytes) -> msgspec.Raw:
    """Bytes as the value of a binary column; for an upsert."""
    return msgspec.Raw(b"x'" + octets.hex().encode() + b"'")


def literal(text: bytes) -> bytes:
    """A text as SQL; in the SQL mode and character set of our sessions, only these two characters end or change it."""
    return b"'" + text.replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"


def _as_json(rows: Sequence[bytes]) -> bytes:
    return literal(b"[" + b",".join(rows) + b"]")


def _as_list(rows: Sequence[bytes]) -> bytes:
    return b",".join([_as_sql(row[1:-1]) for row in rows])


def _as_values(rows: Sequence[bytes]) -> bytes:
    return b",".join([b"(" + _as_sql(row[1:-1]) + b")" for row in rows])


def _as_sql(values: bytes) -> bytes:
    """JSON texts, numbers and nulls are SQL as they are, but for two of JSON's escapes, which SQL does not know."""
    return _ESCAPE.sub(_unescaped, values) if b"\\u" in values or b"\\f" in values else values


_ESCAPE: Final = re.compile(rb"\\(?:u00([0-9a-f]{2})|.)")  # any, so that an escaped backslash begins none


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes.fromhex(found[1].decode())
    return b"\x0c" if found[0] == b"\\f" else found[0]
