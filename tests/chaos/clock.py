"""Clocks that jump: libfaketime in front of a process, which reads from a file how far its clock is off.

The time of day alone is moved, as by a correction of the system's clock; what measures durations goes on.
"""

import glob
import os
from functools import cache
from pathlib import Path
from typing import Final

_PATTERNS: Final = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
)


@cache
def library() -> str | None:
    """The library, where this machine has it (`apt-get install libfaketime`), or where CHAOS_FAKETIME says it is."""
    if given := os.environ.get("CHAOS_FAKETIME"):
        return given
    return next((found for pattern in _PATTERNS for found in sorted(glob.glob(pattern))), None)  # noqa: PTH207


def environment(file: Path) -> dict[str, str]:
    """What makes a process look at the file; nothing without the library."""
    found = library()
    if found is None:
        return {}
    move(file, 0)
    return {
        "LD_PRELOAD": found,
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def move(file: Path, seconds: float) -> None:
    """Let the clock of the process that looks at the file be off by so many seconds."""
    partial = file.with_suffix(".partial")
    partial.write_text(f"{seconds:+g}")
    partial.replace(file)
