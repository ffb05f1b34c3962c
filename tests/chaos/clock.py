"""Clocks that jump: libfaketime in front of a process, which reads from a file how far its clock is off.

The time of day alone is moved, as by a correction of the system's clock; what measures durations goes on.
"""

import glob
from pathlib import Path
from typing import Final

from infra.errors import StackError
from infra.stack import tools

_PATTERNS: Final = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
)


def library() -> Path | None:
    """The library, where this machine has it."""
    return next((Path(found) for pattern in _PATTERNS for found in sorted(glob.glob(pattern))), None)  # noqa: PTH207


def ensure(log: Path) -> str:
    """Install the library where we may, as `posto up` does with the database; why not, where it cannot be had."""
    try:
        tools.ensure([_FAKETIME], log, lambda _: None)
    except StackError as error:
        return str(error)
    return ""


_FAKETIME: Final = tools.Tool("libfaketime", library, ("libfaketime",), "libfaketime", "libfaketime")


def environment(file: Path) -> dict[str, str]:
    """What makes a process look at the file; nothing without the library."""
    found = library()
    if found is None:
        return {}
    move(file, 0)
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",  # seconds; to read the file at each look at a clock took half of the process
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def move(file: Path, seconds: float) -> None:
    """Let the clock of the process that looks at the file be off by so many seconds."""
    partial = file.with_suffix(".partial")
    partial.write_text(f"{seconds:+g}")
    partial.replace(file)
