"""Salvage: what can be read of a damaged spool file, in a fresh one."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from adapters.edge.spool.file import SpoolFile, errors_of, sync_folder


def salvage(path: Path) -> tuple[Path, int]:
    """Replace the damaged file by a fresh one with all that can be read of it from both ends.

    Returns where the damaged one is kept (`sqlite3 FILE .recover` may find more in it), and how many entries it lost,
    as far as that can be known. SpoolError says what is in the way.
    """
    with errors_of(path):
        return _salvage(path)


def _salvage(path: Path) -> tuple[Path, int]:
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    saved = _Saved()
    with closing(sqlite3.connect(path)) as damaged, closing(SpoolFile(partial)) as fresh:
        damaged.text_factory = bytes
        fresh.restore(saved.from_start(_readable(damaged, "SELECT * FROM entries ORDER BY seq")))
        fresh.restore(saved.from_end(_readable(damaged, "SELECT * FROM entries ORDER BY seq DESC")))
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    aside.hardlink_to(path)
    partial.replace(path)
    sync_folder(path.parent)
    return aside, max(1, saved.missing)


class _Saved:
    """The rows that were found, one at a time: a spool may be larger than the memory."""

    def __init__(self) -> None:
        self._last_from_start: int | None = None
        self.missing = 0
        """Numbers between the rows from the start and those from the end."""

    def from_start(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        for row in rows:
            self._last_from_start = row[0]
            yield row

    def from_end(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        last = self._last_from_start
        for row in rows:
            if last is not None and row[0] <= last:
                return
            self.missing = 0 if last is None else row[0] - last - 1
            yield row


def _readable(damaged: sqlite3.Connection, select: str) -> Iterator[Sequence[Any]]:
    try:
        yield from damaged.execute(select)
    except sqlite3.Error:
        return
