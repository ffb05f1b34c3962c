"""Statements over many rows: how rows are handed over, and in which portions."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from adapters.mysql import statements
from adapters.mysql.statements import INTEGER, TEXT, cut, over, time

TWO = over({"id": INTEGER, "name": TEXT}, "SELECT * FROM {rows}")


def test_rows_are_arrays_in_the_order_of_the_columns() -> None:
    (document,) = TWO.documents([{"name": "é", "id": 1, "unknown": True}, {"id": 2}])
    assert json.loads(document) == [[1, "é"], [2, None]]


def test_wide_rows_are_folded_in_documents_and_columns_alike() -> None:
    wide = over({f"c{number}": INTEGER for number in range(18)}, "SELECT * FROM {rows}")
    (document,) = wide.documents([{f"c{number}": number for number in range(18)}])
    assert json.loads(document) == [[*range(8), [*range(8, 16), [16, 17]]]]
    assert "c8 BIGINT PATH '$[0]'" in wide.sql
    assert "c17 BIGINT PATH '$[1]'" in wide.sql


def test_no_rows_make_no_document() -> None:
    assert list(TWO.documents([])) == []


def test_many_rows_are_portioned_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "ROWS_AT_ONCE", 2)
    assert [json.loads(part) for part in TWO.documents({"id": n} for n in range(5))] == [
        [[0, None], [1, None]],
        [[2, None], [3, None]],
        [[4, None]],
    ]


def test_large_rows_are_portioned_by_their_size_and_the_largest_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "BYTES_AT_ONCE", 30)
    names = ["a", "b", "c" * 40, "d"]
    parts = [json.loads(part) for part in TWO.documents({"id": 1, "name": name} for name in names)]
    assert [[name for _, name in part] for part in parts] == [["a", "b"], ["c" * 40], ["d"]]


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 1, 15, 23, 30, 0, 5, tzinfo=timezone(timedelta(hours=-3)))
    assert time(moment) == "2026-01-16 02:30:00.000005"
    assert time(None) is None


def test_a_text_for_reading_is_cut_to_its_column() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut(None, 3) is None
