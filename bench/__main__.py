"""`python -m bench`: run the benches, print a table, write `bench/out/results.json` and a plot of each.

ONLY=name,name runs some of them, QUICK=1 makes each take a fraction of its usual size. Ends with 1 where a figure is
missed or a bench failed.
"""

import asyncio
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench import (
    ai,
    attempts,
    chain,
    core,
    dry_run,
    edge,
    growth,
    idle,
    latency,
    lists,
    noise,
    normalization,
    outage,
    outbox,
    projector,
    recovery,
    replay,
    router,
    rules,
    runtime,
    scale,
    sender,
    throughput,
)
from bench.plot import plot
from bench.result import Result
from tests.support.servers import kafka_server, mysql_server
from tests.support.stack import stack

Bench = Callable[..., Coroutine[Any, Any, list[Result]]]

PURE: Final[dict[str, Bench]] = {
    "core": core.measure,
    "normalization": normalization.measure,
    "rules": rules.measure,
}
"""Benches of functions; they come first, while nothing else runs."""
ON_KAFKA: Final[dict[str, Bench]] = {
    "runtime": runtime.measure,
    "router": router.measure,
    "chain": chain.measure,
    "scale": scale.measure,
    "growth": growth.measure,
    "recovery": recovery.measure,
    "edge": edge.measure,
    "dry_run": dry_run.measure,
}
"""Benches that start what they need themselves, beside a broker of their own."""
ON_MYSQL: Final[dict[str, Bench]] = {"projector": projector.measure, "replay": replay.measure, "lists": lists.measure}
"""Benches on a database server of their own."""
ON_A_STACK: Final[dict[str, Bench]] = {
    "idle": idle.measure,
    "attempts": attempts.measure,
    "noise": noise.measure,
    "throughput": throughput.measure,
    "sender": sender.measure,
    "latency": latency.measure,
    "ai": ai.measure,
    "outage": outage.measure,
    "outbox": outbox.measure,
}
BENCHES: Final = (*PURE, *ON_KAFKA, *ON_MYSQL, *ON_A_STACK)
OUT: Final = Path(__file__).parent / "out"


def main() -> int:
    names = [name for name in os.environ.get("ONLY", "").split(",") if name] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        sys.exit(f"ONLY={','.join(unknown)}: there is no such bench; there are {', '.join(BENCHES)}")
    quick = os.environ.get("QUICK") == "1"
    OUT.mkdir(exist_ok=True)
    results: list[Result] = []
    failed = []
    for name, measure in _benches(names, quick=quick):
        began = perf_counter()
        try:
            found = asyncio.run(measure())
        except Exception:  # noqa: BLE001 (the others' figures count all the same)
            traceback.print_exc()
            failed.append(name)
            continue
        plot(found, OUT / f"{name}.svg")
        results += found
        print(f"{name}: {perf_counter() - began:.0f} s", file=sys.stderr)
    _show(results)
    _write(results, failed, quick=quick)
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 0 if not failed and all(result.is_met for result in results) else 1


def _benches(names: list[str], *, quick: bool) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, list[Result]]]]]:
    """The benches in their order, each while what it needs runs."""
    for name in [name for name in PURE if name in names]:
        yield name, partial(PURE[name], quick=quick)
    for name in [name for name in ON_KAFKA if name in names]:
        with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder, kafka_server(Path(folder)) as servers:
            yield name, partial(ON_KAFKA[name], servers, quick=quick)
    for name in [name for name in ON_MYSQL if name in names]:
        with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder, mysql_server(Path(folder)) as dsn:
            yield name, partial(ON_MYSQL[name], dsn, quick=quick)
    wanted = [name for name in ON_A_STACK if name in names]
    if wanted:
        with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder, stack(Path(folder)) as running:
            for name in wanted:
                yield name, partial(ON_A_STACK[name], running, quick=quick)


def _show(results: list[Result]) -> None:
    table = Table("bench", "figure", "median", "spread", "wanted", "")
    for result in results:
        verdict = "ok" if result.is_met else "MISSED"
        table.add_row(result.bench, result.figure, result.text, result.spread, result.wanted, verdict)
    Console(width=160).print(table)


def _write(results: list[Result], failed: list[str], *, quick: bool) -> None:
    found = {"quick": quick, "cores": os.cpu_count(), "failed": failed, "results": [one.as_dict() for one in results]}
    (OUT / "results.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
