"""The projector into empty tables, beside a bare loop that sends the very statements that it sends, one by one."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from adapters.mysql.pool import Row
from bench.course import CPU, SPEED
from bench.processes import Racer
from bench.projected import TABLES, check
from bench.race import ROUNDS, Lap, race
from bench.result import Result
from infra.database import database
from infra.migrations import migrate
from infra.settings import load
from tests.support import servers

OURS, BARE = "posto", "a bare loop of the same statements"
_EVENTS: Final = 40_000
_WANTED: Final = 0.7


async def measure(dsn: str, *, quick: bool) -> list[Result]:
    """Ours decodes, makes rows and encodes as well. Checked: how many rows there are, and that both made the same."""
    events = _EVENTS // 4 if quick else _EVENTS
    with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder:
        file = Path(folder) / "statements"
        sums = await _lap(dsn, events, file, is_ours=True, is_kept=True)
        standing = await race(
            "projector",
            {name: partial(_checked, dsn, events, file, sums["sums"], is_ours=name == OURS) for name in (OURS, BARE)},
            1 if quick else ROUNDS,
        )
    return [*standing.results(), standing.ratio(OURS, BARE, at_least=_WANTED), standing.thrift(OURS, BARE, CPU)]


async def _checked(dsn: str, events: int, file: Path, sums: object, *, is_ours: bool) -> Lap:
    found = await _lap(dsn, events, file, is_ours=is_ours)
    assert found["sums"] == sums, "the tables differ"
    cost = found["cost"]
    return {SPEED: events / cost["seconds"], CPU: cost["cpu_seconds"] / events * 1e6}


async def _lap(server: str, events: int, file: Path, *, is_ours: bool, is_kept: bool = False) -> Row:
    """What it cost to fill a fresh database, and the checksums of its tables."""
    with servers.database(server) as dsn:
        settings = load(mysql_dsn=dsn)
        await migrate(settings)
        if is_ours:
            cost = await Racer("bench.peers.projector").run(dsn, str(events), *([str(file)] if is_kept else []))
        else:
            at = settings.mysql
            cost = await Racer("bench.peers.mysql_bare").run(
                at.host, str(at.port), at.user, at.password.get_secret_value(), at.database, str(file)
            )
        opened = database(settings)
        sums = {}
        await check(opened, events)
        for table in TABLES:
            (checksum,) = await opened.fetch(f"CHECKSUM TABLE {table}")
            sums[table] = checksum["Checksum"]
        await opened.close()
    return {"cost": cost, "sums": sums}
