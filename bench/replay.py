"""A log of a million events into empty tables: how long a rebuild takes, and whether it grows slower on its way.

What is replayed lies in a file, in batches as the stage of the projector makes them: reading it stands in
for Kafka. Of ten events six have something follow from them (`bench/projected.py`): 1,800,000 records.
"""

import pickle
import tempfile
from pathlib import Path
from typing import Final

from bench.processes import Racer
from bench.projected import batches, check
from bench.result import Result
from infra.database import database
from infra.migrations import migrate
from infra.settings import load
from tests.support import servers

_EVENTS: Final = 1_000_000
_EVENTS_QUICK: Final = 50_000
_SECONDS: Final = 90.0


async def measure(server: str, *, quick: bool) -> list[Result]:
    """Timed from the first batch to the last commit. Checked: rows, sums and positions."""
    events = _EVENTS_QUICK if quick else _EVENTS
    with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder, servers.database(server) as dsn:
        settings = load(mysql_dsn=dsn)
        await migrate(settings)
        file = Path(folder) / "log"
        with file.open("wb") as log:
            for batch in batches(events):
                pickle.dump(batch, log)
        cost = await Racer("bench.peers.replay").run(dsn, str(file))
        opened = database(settings)
        await check(opened, events)
        await opened.close()
    seconds = cost["seconds"]
    wanted = None if quick else _SECONDS
    return [
        Result("replay", f"{events:,} events into empty tables", seconds, "s", at_most=wanted),
        Result("replay", "the same", events / seconds, "events/s"),
        Result("replay", "the last tenth beside the first", cost["last_tenth"] / cost["first_tenth"], "times as long"),
        Result("replay", "the projector's own work", cost["cpu_seconds"] / events * 1e6, "us of CPU/event"),
    ]
