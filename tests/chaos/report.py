"""What is left of a run that failed: its scenario, what was violated, all records, and the logs of its processes."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from tests.chaos.run import Outcome


def write(outcome: Outcome, folder: Path, logs: Path) -> Path:
    """Write it all into a folder of its own; the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    history = outcome.history
    (folder / "violations.txt").write_text("".join(f"{violation}\n" for violation in outcome.violations))
    _dump(folder / "scenario.json", asdict(outcome.scenario))
    _dump(folder / "inputs.json", [*map(asdict, history.inputs), *map(asdict, history.typed)])
    _dump(folder / "delivered.json", history.delivered)
    for name in ("raw", "accepted", "commands", "facts", "dead"):
        lines = (f"{entry.where} {json.dumps(entry.value)}\n" for entry in getattr(history, name))
        (folder / f"{name}.txt").write_text("".join(lines))
    shutil.copytree(logs, folder / "log", ignore=shutil.ignore_patterns("*.sh"))
    return folder


def _dump(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, default=str, ensure_ascii=False))
