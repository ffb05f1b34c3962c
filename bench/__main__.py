"""`python -m bench`: run the benches, print a table, write `bench/out/results.json`.

ONLY=name runs one of them, QUICK=1 makes each take a fraction of its usual size. Ends with 1 where a figure is missed.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import attempts, latency, noise, normalization, outage, rules, throughput
from bench.result import Result
from tests.support.stack import stack

PURE = {"normalization": normalization.measure, "rules": rules.measure}
"""Benches of functions; they come first, while nothing else runs."""
ON_A_STACK = {
    "attempts": attempts.measure,
    "noise": noise.measure,
    "throughput": throughput.measure,
    "latency": latency.measure,
    "outage": outage.measure,
}
OUT = Path(__file__).parent / "out"


def main() -> int:
    only = os.environ.get("ONLY")
    if only and only not in PURE | ON_A_STACK:
        sys.exit(f"ONLY={only}: there is no such bench; there are {', '.join(PURE | ON_A_STACK)}")
    results = list(_measured({only} if only else PURE.keys() | ON_A_STACK, quick=os.environ.get("QUICK") == "1"))
    table = Table("bench", "figure", "value", "wanted", "")
    for result in results:
        table.add_row(result.bench, result.figure, result.text, result.wanted, "ok" if result.is_met else "MISSED")
    Console(width=140).print(table)
    OUT.mkdir(exist_ok=True)
    (OUT / "results.json").write_text(json.dumps([result.as_dict() for result in results], indent=2) + "\n")
    return 0 if all(result.is_met for result in results) else 1


def _measured(names: set[str], *, quick: bool) -> Iterator[Result]:
    for name in PURE.keys() & names:
        yield from asyncio.run(PURE[name](quick=quick))
    wanted = [measure for name, measure in ON_A_STACK.items() if name in names]
    if wanted:
        with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder, stack(Path(folder)) as running:
            for measure in wanted:
                yield from asyncio.run(measure(running, quick=quick))


if __name__ == "__main__":
    sys.exit(main())
