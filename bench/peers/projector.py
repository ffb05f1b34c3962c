"""Our projector: `DSN EVENTS [FILE]`; into a file go the statements of each transaction, for the bare loop."""

import asyncio
import pickle
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import msgspec

from adapters.mysql.pool import SQL, Session
from adapters.mysql.projector import Projector
from bench.projected import batches
from infra.database import database
from infra.settings import load
from streams import heap
from streams.runtime.running import YOUNG_OBJECTS


def main(dsn: str, events: str, file: str = "") -> None:
    statements = _kept() if file else []
    cost = asyncio.run(_run(dsn, int(events)))
    if file:
        Path(file).write_bytes(pickle.dumps(statements))
    print(msgspec.json.encode(cost).decode())


async def _run(dsn: str, events: int) -> dict[str, float]:
    given = list(batches(events))
    opened = database(load(mysql_dsn=dsn))
    projector = Projector(opened)
    heap.settle(YOUNG_OBJECTS)  # as a worker does
    began, used = perf_counter(), process_time()
    for batch in given:
        await projector.project(batch)
    cost = {"seconds": perf_counter() - began, "cpu_seconds": process_time() - used}
    await opened.close()
    return cost


def _kept() -> list[tuple[SQL, Sequence[Any]]]:
    """All that sessions send from now on, a transaction after the other, as they are committed."""
    statements: list[tuple[SQL, Sequence[Any]]] = []
    open_: defaultdict[Session, list[tuple[SQL, Sequence[Any]]]] = defaultdict(list)
    fetch, execute = Session.fetch, Session.execute

    async def fetching(self: Session, statement: SQL, values: Sequence[Any] = ()) -> Any:
        open_[self].append((statement, values))
        return await fetch(self, statement, values)

    async def executing(self: Session, statement: SQL, values: Sequence[Any] = ()) -> int:
        open_[self].append((statement, values))
        done = await execute(self, statement, values)
        if statement == "COMMIT":
            statements.extend(open_.pop(self))
        return done

    Session.fetch, Session.execute = fetching, executing  # type: ignore[method-assign]
    return statements


main(*sys.argv[1:])
