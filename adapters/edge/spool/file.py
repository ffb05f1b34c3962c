"""One spool file: entries in order in an SQLite database, each with its checksum; written means on the disk.

A rollback journal, no write-ahead log: of a damaged write-ahead log SQLite drops everything behind the damage without a
word, and a large value would be written twice.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.edge.log import AROUND_A_VALUE, Entry
from adapters.edge.spool import rows
from adapters.edge.spool.errors import (
    SpoolDamagedError,
    SpoolDiskFullError,
    SpoolError,
    SpoolUnusableError,
    SpoolVersionError,
)
from adapters.edge.spool.rows import Row

NAME: Final = "spool.db"
VERSION: Final = 1

_APPLICATION: Final = 0x506F7374  # "Post"
_SHRINK_BYTES: Final = 64 * 1_048_576
"""An empty file that is larger is made small again."""
_BALLAST: Final = 1_048_576
"""Bytes of a file beside it that is given up where the disk is full: forgetting rows takes room for a journal."""
_FEW: Final = 50
"""Rows that are forgotten within that room."""
_SCHEMA: Final = f"""
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, kept_at REAL, crc INTEGER, topic TEXT, key BLOB, headers BLOB, value BLOB
);
CREATE TABLE set_aside (
    seq INTEGER, kept_at REAL, crc INTEGER, topic TEXT, key BLOB, headers BLOB, value BLOB, why TEXT
);
CREATE TABLE looks (id INTEGER PRIMARY KEY, number INTEGER NOT NULL);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
"""


class Contents(NamedTuple):
    """What a file holds; `oldest_at` is in seconds since 1970, None where it is empty."""

    entries: int
    size: int
    oldest_at: float | None


class Head(NamedTuple):
    """The first rows of a file, and whether there are no others."""

    rows: list[Row]
    is_all: bool


class SpoolFile:
    """Not for the event loop: every call reads or writes the disk. One caller at a time, in any thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it; SpoolError says what is in the way."""
        self.path = path
        self._ballast = path.with_name("ballast")
        with errors_of(path):
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
            try:
                self._prepare()
                self.next_seq: int = self._db.execute("SELECT coalesce(max(seq), 0) + 1 FROM entries").fetchone()[0]
            except BaseException:
                self._db.close()
                raise
        self._take_ballast()

    def write(self, entries: Sequence[Entry], kept_at: float) -> range:
        """Add entries behind all others, all or none, and return their numbers once they are on the disk."""
        seqs = range(self.next_seq, self.next_seq + len(entries))
        made = [rows.row(seq, kept_at, entry) for seq, entry in zip(seqs, entries, strict=True)]
        with self._transaction():
            self._db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", made)
        self.next_seq = seqs.stop
        return seqs

    def first(self, max_entries: int, max_bytes: int) -> Head:
        """The first rows in order, as far as the limits let them; a single one may be larger."""
        found: list[Row] = []
        size = 0
        with errors_of(self.path):
            select = self._db.execute("SELECT * FROM entries ORDER BY seq LIMIT ?", (max_entries + 1,))
            try:
                for columns in select:
                    row = rows.read(columns)
                    size += row.size
                    if found and (size > max_bytes or len(found) == max_entries):
                        return Head(found, is_all=False)
                    found.append(row)
            finally:
                select.close()
        return Head(found, is_all=True)

    def restore(self, lying: Iterable[Sequence[Any]]) -> None:
        """Add rows as they lay in another file, with their numbers and checksums; of two with one number the first."""
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", lying)

    def remove(self, seqs: Sequence[int]) -> None:
        """Forget rows that Kafka has. A disk that the spool itself has filled is no obstacle: see `_BALLAST`."""
        try:
            self._remove(seqs)
        except SpoolDiskFullError:
            self._ballast.unlink(missing_ok=True)
            for start in range(0, len(seqs), _FEW):
                self._remove(seqs[start : start + _FEW])

    def _remove(self, seqs: Sequence[int]) -> None:
        with self._transaction():
            self._db.executemany("DELETE FROM entries WHERE seq = ?", ((seq,) for seq in seqs))

    def set_aside(self, seqs: Iterable[int], why: str) -> None:
        """Take rows that can never reach Kafka out of the way; they stay in the file, in `set_aside`."""
        with self._transaction():
            for seq in seqs:
                self._db.execute("INSERT INTO set_aside SELECT *, ? FROM entries WHERE seq = ?", (why, seq))
                self._db.execute("DELETE FROM entries WHERE seq = ?", (seq,))

    def contents(self) -> Contents:
        """How much lies there."""
        statement = "SELECT count(*), coalesce(sum(length(value) + ?), 0), min(kept_at) FROM entries"
        with errors_of(self.path):
            return Contents(*self._db.execute(statement, (AROUND_A_VALUE,)).fetchone())

    def try_to_write(self) -> None:
        """SpoolError where nothing could be written now."""
        with self._transaction():
            self._db.execute("INSERT INTO looks VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1")

    def shrink(self) -> None:
        """Give the disk back what an empty file occupies."""
        with errors_of(self.path):
            if self.path.stat().st_size > _SHRINK_BYTES:
                self._db.execute("VACUUM")
        self._take_ballast()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _take_ballast(self) -> None:
        if not self._ballast.exists():
            with suppress(OSError), self._ballast.open("wb") as stream:
                stream.write(bytes(_BALLAST))

    def _prepare(self) -> None:
        self._db.text_factory = bytes  # a damaged text need not be one
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        is_new = not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_new and application != _APPLICATION:
            raise SpoolVersionError(f"{self.path} is no spool of Posto.")
        if not is_new and version != VERSION:
            raise SpoolVersionError(f"{self.path} is a spool of version {version}; this Posto knows version {VERSION}.")
        self._db.execute("PRAGMA journal_mode = PERSIST")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = OFF")  # else to forget 16 MB takes a journal of 16 MB
        if is_new:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            sync_folder(self.path.parent)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with errors_of(self.path):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    with suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK")


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _ours(path, error) from error


def _ours(path: Path, error: Exception) -> SpoolError:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return SpoolDiskFullError(f"The disk of {path} is full.")
        case sqlite3.SQLITE_CORRUPT:
            return SpoolDamagedError(f"{path} is damaged: {error}.")
        case sqlite3.SQLITE_NOTADB:
            return SpoolVersionError(f"{path} is no spool of Posto.")
    return SpoolUnusableError(f"{path} cannot be used: {error}.")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
