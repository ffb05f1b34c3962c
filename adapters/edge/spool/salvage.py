"""Salvage: what can be read of a damaged spool file, in a fresh one."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from adapters.edge.spool.file import SpoolFile, sync_folder

_FROM_BOTH_ENDS: Final = ("SELECT * FROM entries ORDER BY seq", "SELECT * FROM entries ORDER BY seq DESC")


def salvage(path: Path) -> tuple[Path, int]:
    """Replace the damaged file by a fresh one with all that can be read of it from both ends.

    Returns where the damaged one is kept (`sqlite3 FILE .recover` may find more in it), and how many entries it lost,
    as far as that can be known.
    """
    with closing(sqlite3.connect(path)) as damaged:
        damaged.text_factory = bytes
        found = {row[0]: row for select in _FROM_BOTH_ENDS for row in _readable(damaged, select)}
        partial = path.with_name(f"{path.name}.partial")
        partial.unlink(missing_ok=True)
        fresh = SpoolFile(partial)
        fresh.restore(found[seq] for seq in sorted(found))
        fresh.close()
    aside = path.with_name(f"{path.name}.damaged-{1 + sum(1 for _ in path.parent.glob(f'{path.name}.damaged-*'))}")
    aside.hardlink_to(path)
    partial.replace(path)
    sync_folder(path.parent)
    return aside, max(1, max(found) - min(found) + 1 - len(found)) if found else 1


def _readable(damaged: sqlite3.Connection, select: str) -> Iterator[Sequence[Any]]:
    try:
        yield from damaged.execute(select)
    except sqlite3.Error:
        return
