"""What a racer is told, and what it tells."""

import json
import re
import sys
from pathlib import Path
from time import process_time

import msgspec


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Work off `events` records as the consumer group `group`, whose positions are set; `folder` is the racer's own.

    `stages` are `normalizer` (`raw.event` to `event.normalized`), and after it or alone `router` (`event.normalized`
    to `event.accepted`) or `dedupe`, the same without our rules.
    """

    servers: str
    group: str
    partitions: int
    events: int
    stages: list[str]
    folder: str


def task() -> Task:
    """The racer's task: its only argument."""
    return msgspec.json.decode(sys.argv[1], type=Task)


class Meter:
    """Counts records that the last stage has done, and what all cost from the first one of any stage on."""

    def __init__(self, events: int) -> None:
        self._left = events
        self._began: float | None = None

    def begin(self) -> None:
        """Something has come."""
        if self._began is None:
            self._began = process_time()

    def done(self, records: int = 1) -> bool:
        """Whether all are done with these."""
        self._left -= records
        return self._left <= 0

    def tell(self) -> None:
        """The racer's line: its processor time since the first record, and its memory at most."""
        spent = process_time() - self._began if self._began is not None else 0.0
        print(json.dumps({"cpu_seconds": spent, "megabytes": _peak_megabytes()}), flush=True)


def _peak_megabytes() -> float:
    """From the kernel's own account: that of `getrusage` begins with what the parent had."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
