"""Statements over many rows: how rows are handed over, and in which portions."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from adapters.mysql import statements
from adapters.mysql.pool import Database
from adapters.mysql.statements import INTEGER, TEXT, Statement, among, binary, cut, latest, over, time, upsert

TWO = over({"id": INTEGER, "name": TEXT}, "SELECT * FROM {rows}")
KEPT = upsert("kept", ("id", "text", "octets"), latest("text", "octets"))
ODD = [
    "".join(map(chr, range(128))),
    "'\"\\ \\u0041 \\\\f \\' %s %(x)s {} -- /* é 🙂 \u2028 \x85",
    "\\",
    "\x00\x1a\x0c\x0b",
]


def portions(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The JSON in each of a statement's portions."""
    return [json.loads(filled.split(b"'")[1]) for filled in statement.filled(map(dict, rows))]


def test_rows_that_are_joined_are_arrays_in_the_order_of_the_columns() -> None:
    assert portions(TWO, [{"name": "é", "id": 1, "unknown": True}, {"id": 2}]) == [[[1, "é"], [2, None]]]


def test_rows_that_are_inserted_stand_in_the_statement() -> None:
    (filled,) = upsert("kept", ("id", "text"), latest("text")).filled([{"text": "é'", "id": 1}, {"id": 2}])
    assert filled.decode() == (
        """INSERT INTO kept (id, text) VALUES (1,"é'"),(2,null) """
        "ON DUPLICATE KEY UPDATE text = COALESCE(VALUES(text), kept.text)"
    )


def test_rows_that_are_looked_for_are_a_list() -> None:
    (filled,) = among("id", "SELECT 1 FROM kept WHERE id IN {rows}").filled([{"id": "é'", "text": "x"}, {"id": 2}])
    assert filled.decode() == """SELECT 1 FROM kept WHERE id IN ("é'",2)"""


@pytest.mark.integration
async def test_any_text_and_any_bytes_arrive_as_they_are(database: Database) -> None:
    await database.execute("CREATE TABLE kept (id INT PRIMARY KEY, text LONGTEXT, octets LONGBLOB)")
    rows = [{"id": id_, "text": text, "octets": binary(text.encode())} for id_, text in enumerate(ODD)]
    for _ in range(2):
        for filled in KEPT.filled(rows):
            await database.execute(filled)
    echo = over({"id": INTEGER, "text": TEXT}, "SELECT new.id, new.text FROM {rows} ORDER BY new.id")
    (joined,) = [await database.fetch(filled) for filled in echo.filled(rows)]
    found = await database.fetch("SELECT * FROM kept ORDER BY id")
    await database.execute("DROP TABLE kept")
    assert [row["text"] for row in found] == [row["text"] for row in joined] == ODD
    assert [row["octets"] for row in found] == [text.encode() for text in ODD]


def test_no_rows_make_no_statement() -> None:
    assert list(TWO.filled([])) == []


def test_many_rows_are_portioned_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "ROWS_AT_ONCE", 2)
    assert portions(TWO, [{"id": n} for n in range(5)]) == [
        [[0, None], [1, None]],
        [[2, None], [3, None]],
        [[4, None]],
    ]


def test_large_rows_are_portioned_by_their_size_and_the_largest_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "BYTES_AT_ONCE", 30)
    names = ["a", "b", "c" * 40, "d"]
    parts = portions(TWO, [{"id": 1, "name": name} for name in names])
    assert [[name for _, name in part] for part in parts] == [["a", "b"], ["c" * 40], ["d"]]


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 1, 15, 23, 30, 0, 5, tzinfo=timezone(timedelta(hours=-3)))
    assert time(moment) == "2026-01-16 02:30:00.000005"
    assert time(None) is None


def test_a_text_for_reading_is_cut_to_its_column() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut(None, 3) is None
