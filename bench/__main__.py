"""`python -m bench`: run the benches, print a table, write `bench/out/results.json`.

ONLY=name runs one of them, QUICK=1 makes each take a fraction of its usual size.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import latency, throughput
from tests.support.stack import stack

BENCHES = {"throughput": throughput.measure, "latency": latency.measure}
OUT = Path(__file__).parent / "out"


def main() -> int:
    only = os.environ.get("ONLY")
    if only and only not in BENCHES:
        sys.exit(f"ONLY={only}: there is no such bench; there are {', '.join(BENCHES)}")
    quick = os.environ.get("QUICK") == "1"
    results = []
    with tempfile.TemporaryDirectory(prefix="posto-bench-") as folder, stack(Path(folder)) as running:
        for name, measure in BENCHES.items():
            if only in (None, name):
                results += asyncio.run(measure(running, quick=quick))
    table = Table("bench", "figure", "value", "wanted", "")
    for result in results:
        table.add_row(result.bench, result.figure, result.text, result.wanted, "ok" if result.is_met else "MISSED")
    Console(width=140).print(table)
    OUT.mkdir(exist_ok=True)
    (OUT / "results.json").write_text(json.dumps([result.as_dict() for result in results], indent=2) + "\n")
    return 0 if all(result.is_met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
