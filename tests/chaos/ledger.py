"""The ledger of seeds and outcomes, a JSON line each, and the summary that it gives."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from infra.stack.layout import CHECKOUT
from tests.chaos.failpoints import ALL
from tests.chaos.faults import KNOWN, ONE_OF_THREE
from tests.chaos.run import Outcome

LOST: Final = ("lost",)
DOUBLED: Final = ("sent twice", "unrecorded")
WENT_BACK: Final = ("went back",)
WANTED_HITS: Final = 5
"""So often a failpoint should have acted, over all seeds."""


class Ledger:
    """A file that outlives its runs: what is in it counts for `--resume` and for the summary."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, outcome: Outcome, revision: str) -> dict[str, Any]:
        """Write an outcome down; the line as it was written."""
        scenario = outcome.scenario
        line = {
            "seed": scenario.seed,
            "revision": revision,
            "brokers": scenario.brokers,
            "outcome": "failed" if outcome.violations else "passed",
            "faults": scenario.fault_names(),
            "armed": scenario.armed.spelled if scenario.armed else None,
            "failpoints": outcome.failpoints,
            "violations": Counter(violation.kind for violation in outcome.violations),
            "exits": dict(outcome.exits),
            "counts": outcome.counts,
            "seconds": round(outcome.seconds, 1),
            "rest": round(outcome.rest, 1),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return line

    def lines(self) -> list[dict[str, Any]]:
        """The last outcome of each seed."""
        if not self._path.exists():
            return []
        found = [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]
        return list({line["seed"]: line for line in found}.values())

    def clear(self) -> None:
        """Begin anew."""
        self._path.unlink(missing_ok=True)


def summary(lines: Sequence[dict[str, Any]]) -> str:
    """By fault, by failpoint, and in all."""
    return "\n".join([*_by_fault(lines), "", *_by_failpoint(lines), "", *_totals(lines)])


def _by_fault(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield f"{'fault':<36} {'runs':>5} {'failed':>7}"
    runs, failed = Counter[str](), Counter[str]()
    for line in lines:
        runs.update(line["faults"])
        failed.update(line["faults"] if line["outcome"] == "failed" else ())
    for name in dict.fromkeys([*KNOWN, *ONE_OF_THREE.values(), *sorted(runs)]):
        if runs[name]:
            yield f"{name:<36} {runs[name]:>5} {failed[name]:>7}"


def _by_failpoint(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield f"{'failpoint':<36} {'armed':>5} {'acted':>7} {'failed':>7}"
    armed, acted, failed = Counter[str](), Counter[str](), Counter[str]()
    for line in lines:
        armed.update([line["armed"].partition("=")[0]] if line["armed"] else ())
        acted.update(line["failpoints"])
        failed.update(line["failpoints"] if line["outcome"] == "failed" else ())
    for name in ALL:
        if armed[name]:
            yield f"{name:<36} {armed[name]:>5} {acted[name]:>7} {failed[name]:>7}"
    rare = [name for name in ALL if acted[name] < WANTED_HITS]
    if rare and len(lines) >= WANTED_HITS * len(ALL):
        yield f"acted less than {WANTED_HITS} times: {', '.join(rare)}"


def _totals(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    counts, kinds = Counter[str](), Counter[str]()
    for line in lines:
        counts.update(line["counts"])
        kinds.update(line["violations"])
    passed = sum(line["outcome"] == "passed" for line in lines)
    yield ", ".join(f"{counts[name]} {name}" for name in ("inputs", "commands", "sent", "uncertain"))
    yield (
        f"{_of(kinds, LOST)} lost, {_of(kinds, DOUBLED)} unrecorded duplicate sends, "
        f"{_of(kinds, WENT_BACK)} status regressions, {kinds.total()} violations in all"
    )
    failed = sorted(line["seed"] for line in lines if line["outcome"] == "failed")
    yield f"{passed} seeds passed, {len(failed)} failed{': ' + str(failed) if failed else ''}"


def _of(kinds: Counter[str], names: Iterable[str]) -> int:
    return sum(kinds[name] for name in names)


def revision() -> str:
    """The commit of the code under test, with a + where files differ from it."""
    done = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=CHECKOUT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
