"""A spool file keeps entries in order, whole or not at all, and tells what is damaged."""

import os
import sqlite3
from pathlib import Path
from unittest.mock import patch

import pytest

from adapters.edge.log import Entry
from adapters.edge.spool import file as spool_file
from adapters.edge.spool.errors import SpoolDiskFullError, SpoolUnusableError, SpoolVersionError
from adapters.edge.spool.file import Head, SpoolFile
from adapters.edge.spool.salvage import salvage
from tests.adapters.edge.spool.damage import flip, flip_inside

ALL = (1_000_000, 1_000_000_000)
HEADERS = [("raw_id", b"r-1"), ("traceparent", b"\xff\x00")]


def entry(number: int, value: bytes = b"") -> Entry:
    return Entry("raw.webhook", b"canalum", value or b'{"number":%d}' % number, HEADERS)


def numbers(file: SpoolFile) -> list[int]:
    return [row.seq for row in file.first(*ALL).rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def test_entries_come_back_byte_for_byte_in_order_after_a_new_start(path: Path) -> None:
    written = [entry(1), Entry("raw.event", None, b"", []), entry(3, os.urandom(200_000))]
    file = SpoolFile(path)
    assert list(file.write(written[:2], kept_at=10.5)) == [1, 2]
    file.write(written[2:], kept_at=11.5)
    file.close()
    again = SpoolFile(path)
    rows, is_all = again.first(*ALL)
    assert is_all
    assert [row.entry for row in rows] == written
    assert [(row.seq, row.kept_at, row.size) for row in rows] == [
        (1, 10.5, written[0].size),
        (2, 10.5, written[1].size),
        (3, 11.5, written[2].size),
    ]
    assert again.contents() == (3, sum(one.size for one in written), 10.5)
    assert list(again.write([entry(4)], kept_at=12)) == [4]


def test_what_is_read_at_once_is_bounded_and_a_single_large_entry_is_read_alone(path: Path) -> None:
    file = SpoolFile(path)
    file.write([entry(1, b"x" * 5000), entry(2), entry(3), entry(4)], 0)
    assert _seqs(file.first(3, 1_000_000)) == ([1, 2, 3], False)
    assert _seqs(file.first(4, 1_000_000)) == ([1, 2, 3, 4], True)
    assert _seqs(file.first(100, 1000)) == ([1], False)
    assert _seqs(file.first(100, 5512 + 600)) == ([1, 2], False)


def _seqs(head: Head) -> tuple[list[int], bool]:
    return [row.seq for row in head.rows], head.is_all


def test_what_kafka_has_is_forgotten_and_numbers_are_never_used_twice(path: Path) -> None:
    file = SpoolFile(path)
    file.write([entry(1), entry(2), entry(3)], 0)
    file.remove([1, 3])
    assert numbers(file) == [2]
    file.remove([2])
    assert file.contents() == (0, 0, None)
    assert list(file.write([entry(4)], 0)) == [4]


def test_an_entry_with_a_changed_bit_is_told_and_can_be_set_aside(path: Path) -> None:
    file = SpoolFile(path)
    file.write([entry(1), entry(2, b"a value that stands alone"), entry(3)], 0)
    flip_inside(path, b"a value that stands alone")
    rows = SpoolFile(path).first(*ALL).rows
    assert [row.entry is None for row in rows] == [False, True, False]
    file.set_aside([2], "damaged")
    assert numbers(file) == [1, 3]
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT seq, why FROM set_aside").fetchall() == [(2, "damaged")]


@pytest.mark.parametrize("text", [b"raw.webhook", b"canalum", b"traceparent"])
def test_the_checksum_covers_topic_key_and_headers(path: Path, text: bytes) -> None:
    SpoolFile(path).write([entry(1)], 0)
    flip_inside(path, text)
    assert [row.entry for row in SpoolFile(path).first(*ALL).rows] == [None]


def test_a_transaction_that_a_crash_tore_leaves_nothing_behind(path: Path) -> None:
    """The file as it is when a process dies between writing and committing: its journal rolls it back."""
    file = SpoolFile(path)
    file.write([entry(1)], 0)
    with patch.object(file, "_db", Torn(file._db)), pytest.raises(KeyboardInterrupt):
        file.write([entry(number, os.urandom(50_000)) for number in range(2, 200)], 0)
    copy = path.with_name("after-the-crash.db")
    copy.write_bytes(path.read_bytes())
    journal = path.with_name("spool.db-journal")
    copy.with_name(f"{copy.name}-journal").write_bytes(journal.read_bytes())
    assert copy.stat().st_size > 1_000_000, "something of it lies on the disk"
    assert numbers(SpoolFile(copy)) == [1]


class Torn:
    """A connection that dies at COMMIT, after the pages went to the disk."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.executemany = database.executemany
        self.in_transaction = False
        database.execute("PRAGMA cache_size = 10")  # spill early

    def execute(self, statement: str) -> object:
        if statement == "COMMIT":
            raise KeyboardInterrupt
        return self._database.execute(statement)


def test_a_full_disk_is_named_and_what_was_there_stays(path: Path) -> None:
    file = SpoolFile(path)
    file.write([entry(1)], 0)
    file._db.execute("PRAGMA max_page_count = 20")
    with pytest.raises(SpoolDiskFullError):
        file.write([entry(2), entry(3, os.urandom(200_000))], 0)
    assert numbers(file) == [1]
    assert list(file.write([entry(2)], 0)) == [2]


def test_entries_are_forgotten_on_a_disk_that_they_fill(path: Path) -> None:
    """A journal finds no room there until something gives way."""
    file = SpoolFile(path)
    seqs = file.write([entry(number) for number in range(1, 121)], 0)
    ballast = path.with_name("ballast")
    assert ballast.stat().st_size == 1_048_576
    remove = file._remove

    def on_a_full_disk(some: range) -> None:
        if ballast.exists() or len(some) > 50:
            raise SpoolDiskFullError
        remove(some)

    with patch.object(file, "_remove", on_a_full_disk):
        file.remove(seqs)
    assert file.contents() == (0, 0, None)
    file.shrink()
    assert ballast.exists()


def test_another_versions_file_is_left_as_it_is(path: Path) -> None:
    SpoolFile(path).write([entry(1)], 0)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(SpoolVersionError, match="version 7; this Posto knows version 1"):
        SpoolFile(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("is_database", [True, False])
def test_what_is_no_spool_is_left_as_it_is(path: Path, is_database: bool) -> None:
    if is_database:
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE anything (id INTEGER)")
    else:
        path.write_bytes(b"something else entirely " * 100)
    before = path.read_bytes()
    with pytest.raises(SpoolVersionError, match="no spool of Posto"):
        SpoolFile(path)
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_opened_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(SpoolUnusableError, match=r"spool\.db cannot be used"):
        SpoolFile(path)


def test_an_empty_file_gives_the_disk_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_file, "_SHRINK_BYTES", 1_000_000)
    file = SpoolFile(path)
    seqs = file.write([entry(number, os.urandom(100_000)) for number in range(30)], 0)
    file.remove(seqs)
    file.shrink()
    assert path.stat().st_size < 100_000
    assert list(file.write([entry(1)], 0)) == [31]


@pytest.mark.parametrize("places", [(0.5,), (0.1, 0.9), (0.1, 0.5, 1.0)])
def test_a_broken_page_costs_its_own_entries_alone(path: Path, places: tuple[float, ...]) -> None:
    file = SpoolFile(path)
    for number in range(1, 501):
        file.write([entry(number, b"v" * 900)], 0)
    file.close()
    pages = path.stat().st_size // 4096
    for place in places:
        flip(path, min(int(pages * place), pages - 1) * 4096, 64)
    aside, lost = salvage(path)
    saved = numbers(SpoolFile(path))
    assert aside.name == "spool.db.damaged-1"
    assert 0 < lost <= 5 * len(places)
    assert saved == sorted(saved)
    assert 500 - 5 * len(places) <= len(saved) < 500
    assert 1 in saved


def test_of_an_entry_that_can_be_read_in_part_its_neighbours_are_saved(path: Path) -> None:
    """A value lies on pages of its own, which are in a chain."""
    file = SpoolFile(path)
    file.write([entry(number, bytes([number]) * 20_000) for number in range(1, 10)], 0)
    file.close()
    for number in (3, 6):
        inside = path.read_bytes().index(bytes([number]) * 4000)
        flip(path, inside // 4096 * 4096, 4)
    salvage(path)
    assert [row.seq for row in SpoolFile(path).first(*ALL).rows if row.entry] == [1, 2, 4, 5, 7, 8, 9]


def test_each_damaged_file_is_kept_under_a_name_that_no_other_has(path: Path) -> None:
    SpoolFile(path).close()
    names = [salvage(path)[0].name for _ in range(3)]
    path.with_name(names[0]).unlink()
    again = [salvage(path)[0].name for _ in range(2)]
    assert [*names, *again] == [f"spool.db.damaged-{number}" for number in (1, 2, 3, 1, 4)]


def test_what_keeps_a_damaged_file_from_being_replaced_is_named(path: Path) -> None:
    SpoolFile(path).close()
    forbidden = patch.object(Path, "hardlink_to", side_effect=PermissionError(1, "no links here"))
    with forbidden, pytest.raises(SpoolUnusableError, match="no links here"):
        salvage(path)


def test_what_is_written_waits_for_the_disk(path: Path) -> None:
    """A loss of power cannot be made here: SQLite's own word on whether it calls fsync before COMMIT returns."""
    file = SpoolFile(path)
    [[synchronous]] = file._db.execute("PRAGMA synchronous").fetchall()
    [[journal]] = file._db.execute("PRAGMA journal_mode").fetchall()
    assert (synchronous, journal) == (2, b"persist")
