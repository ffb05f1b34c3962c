"""Long lists: each is read by its index, in its order, whatever the filters are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from adapters.mysql import lists
from adapters.mysql.lists import Position, Table, Wanted, found, statements
from adapters.mysql.pool import SQL, Database, Row, Session
from infra import audit_log, deliveries, events
from infra.conversations import reading
from infra.dead_letters import pages

pytestmark = pytest.mark.integration

TABLES = (events.TABLE, deliveries.TABLE, pages.TABLE, audit_log.TABLE, reading.CONVERSATIONS, reading.MESSAGES)
SOME_TIME = datetime(2026, 1, 15)  # noqa: DTZ001 (as MySQL has it)
DAY = timedelta(days=1)
POINTS = {"by_trace"}
"""Indexes of what is so few that its order may be made."""


def wishes(table: Table) -> list[Wanted]:
    """No filter, each alone, each two together; the first page, and one of a time span that goes on.

    Where there is no index for no filter, the most selective one is always given.
    """
    always: dict[Any, str] = {} if None in table.indexes else {next(iter(table.indexes)): "1"}
    filters = [dict[str, Any](), *({name: "1"} for name in table.conditions)]
    filters += [dict.fromkeys(names, "1") for names in combinations(table.conditions, 2)]
    span: dict[str, Any] = {"since": SOME_TIME, "until": SOME_TIME + 2 * DAY, "after": Position(SOME_TIME + DAY, 7)}
    return [Wanted(limit=50, filters=always | each, **more) for each in filters for more in ({}, span)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_what_is_looked_through_comes_from_one_index_in_its_order(database: Database, table: Table) -> None:
    for wanted in wishes(table):
        expected = next(index for name, index in table.indexes.items() if name is None or name in wanted.filters)
        for statement, values in statements(table, wanted):
            explained = await database.fetch(f"EXPLAIN {statement}", values)
            named = [row for row in explained if row["table"] == "one"]
            inner = next((row for row in named if row["select_type"] == "DERIVED"), named[0])
            assert inner["key"] == expected, (wanted, explained)
            if expected not in POINTS:
                assert "filesort" not in (inner["Extra"] or ""), (wanted, explained)
            joined = [row["key"] for row in named if row is not inner]
            assert joined in ([], [table.unique]), explained


async def test_what_comes_in_while_a_page_is_read_pushes_nothing_out_of_the_list(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = Table(
        name="things", columns="one.id", time="at", conditions={"good": "good = %s"}, indexes={None: "by_time"}
    )
    await database.execute("CREATE TABLE things (id INT PRIMARY KEY, at DATETIME(6), good INT, KEY by_time (at))")

    async def come_in(numbers: range, good: range = range(0)) -> None:
        values = ", ".join(
            f"({number}, '{SOME_TIME + number * timedelta(minutes=1)}', {number in good})" for number in numbers
        )
        await database.execute(f"INSERT INTO things VALUES {values}")  # noqa: S608

    good, newest = range(5, 8), 11
    await come_in(range(newest), good)
    monkeypatch.setattr(lists, "LOOKED_THROUGH", 4)
    fetch = Session.fetch

    async def fetch_and_let_one_come_in(self: Session, statement: SQL, values: Sequence[Any] = ()) -> list[Row]:
        nonlocal newest
        rows = await fetch(self, statement, values)
        newest += 1
        await come_in(range(newest, newest + 1))
        return rows

    monkeypatch.setattr(Session, "fetch", fetch_and_let_one_come_in)
    seen: list[int] = []
    page = await found(database, things, Wanted(limit=4, filters={"good": 1}))
    seen += [row["id"] for row in page.rows]
    while page.after:
        page = await found(database, things, Wanted(limit=4, filters={"good": 1}, after=page.after))
        seen += [row["id"] for row in page.rows]
    await database.execute("DROP TABLE things")
    assert seen == [7, 6, 5]
