"""Salvage: what can be read of a damaged spool file, in a fresh one."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from adapters.edge.spool import rows
from adapters.edge.spool.file import SpoolFile, errors_of, sync_folder

_MOST_PASSED_OVER: Final = 100_000
"""So many numbers in a row are tried one by one: more entries than one broken page can lead to."""


def salvage(path: Path) -> tuple[Path, int]:
    """Replace the damaged file by a fresh one with all that can be read of it.

    Returns where the damaged one is kept (`sqlite3 FILE .recover` may find more in it), and how many entries it lost,
    as far as that can be known. SpoolError says what is in the way.
    """
    with errors_of(path):
        return _salvage(path)


def _salvage(path: Path) -> tuple[Path, int]:
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as damaged, closing(SpoolFile(partial)) as fresh:
        damaged.text_factory = bytes
        readable = _Readable(damaged)
        fresh.restore(readable)
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    aside.hardlink_to(path)
    partial.replace(path)
    sync_folder(path.parent)
    return aside, max(1, readable.lost)


class _Readable:
    """The rows that can be read, in order and one at a time: a spool may be larger than the memory."""

    def __init__(self, damaged: sqlite3.Connection) -> None:
        self._damaged = damaged
        self._last = 0
        self._passed_over = 0
        self.lost = 0
        """Numbers that were passed over before a row that could be read."""

    def __iter__(self) -> Iterator[Sequence[Any]]:
        while self._passed_over < _MOST_PASSED_OVER:
            try:
                yield from self._where("seq >= ? ORDER BY seq")
            except sqlite3.Error:
                # A cursor keeps back the row before the one at which it fails: that one is asked for alone.
                last = self._last
                with suppress(sqlite3.Error):
                    yield from self._where("seq = ?")
                if self._last == last:
                    self._passed_over += 1
            else:
                return

    def _where(self, condition: str) -> Iterator[Sequence[Any]]:
        """Rows from the first number on that was neither read nor passed over."""
        number = self._last + 1 + self._passed_over
        for columns in self._damaged.execute(f"SELECT * FROM entries WHERE {condition}", (number,)):  # noqa: S608
            row = rows.read(columns)
            if row.entry is not None:  # the number of one that is damaged may be anything
                self.lost += row.seq - self._last - 1 if self._passed_over else 0
                self._last, self._passed_over = row.seq, 0
            yield columns
