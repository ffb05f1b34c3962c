"""Our projector over the batches of a file: `DSN FILE`."""

import asyncio
import pickle
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time

import msgspec

from adapters.mysql.projector import Projector
from infra.database import database
from infra.settings import load
from streams import heap
from streams.records import Record
from streams.runtime.running import YOUNG_OBJECTS


def _kept(file: Path) -> Iterator[Sequence[Record]]:
    with file.open("rb") as log:
        while log.peek(1):
            yield pickle.load(log)  # noqa: S301 (written by the bench itself)


async def _main(dsn: str, file: str) -> None:
    opened = database(load(mysql_dsn=dsn))
    projector = Projector(opened)
    heap.settle(YOUNG_OBJECTS)  # as a worker does
    used = process_time()
    times = [perf_counter()]
    for batch in _kept(Path(file)):
        await projector.project(batch)
        times.append(perf_counter())
    tenth = len(times) // 10
    cost = {
        "seconds": times[-1] - times[0],
        "cpu_seconds": process_time() - used,
        "first_tenth": times[tenth] - times[0],
        "last_tenth": times[-1] - times[-1 - tenth],
    }
    await opened.close()
    print(msgspec.json.encode(cost).decode())


asyncio.run(_main(*sys.argv[1:]))
