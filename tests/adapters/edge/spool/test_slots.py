"""One slot for each process; what a gone process left is taken over, what cannot be read is left alone."""

import json
import sqlite3
from pathlib import Path

import pytest

from adapters.edge.log import Entry
from adapters.edge.spool.errors import SpoolUnusableError
from adapters.edge.spool.slots import Slot, Slots
from tests.adapters.edge.spool.damage import flip

ENTRY = Entry("raw.event", None, b"{}", [])


def test_two_processes_never_share_a_slot(tmp_path: Path) -> None:
    first, second = Slots(tmp_path).claim(), Slots(tmp_path).claim()
    assert (first.folder.name, second.folder.name) == ("slot-0", "slot-1")
    with pytest.raises(BlockingIOError):
        Slot(first.folder)
    first.release()
    assert Slots(tmp_path).claim().folder == first.folder


def test_what_a_gone_process_left_is_taken_over_once(tmp_path: Path) -> None:
    gone, empty, alive = Slots(tmp_path).claim(), Slots(tmp_path).claim(), Slots(tmp_path).claim()
    for slot in (gone, alive):
        slot.file.write([ENTRY], 0)
    gone.release()
    empty.release()
    [left] = Slots(tmp_path).left()
    assert (left.folder, left.contents.entries) == (gone.folder, 1)
    assert Slots(tmp_path).left() == []
    left.release()


def test_a_slot_of_another_version_is_passed_by_counted_and_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = Slots(tmp_path).claim()
    newer.file.write([ENTRY], 0)
    newer.release()
    with sqlite3.connect(newer.folder / "spool.db") as database:
        database.execute("PRAGMA user_version = 9")
    slots = Slots(tmp_path)
    assert slots.claim().folder.name == "slot-1"
    assert slots.left() == slots.left() == []
    assert slots.unreadable == 1
    assert capsys.readouterr().out.count("version 9") == 1


def test_a_damaged_slot_is_opened_with_what_can_be_read(tmp_path: Path) -> None:
    slot = Slots(tmp_path).claim()
    for _ in range(100):
        slot.file.write([ENTRY._replace(value=b"v" * 900)], 0)
    slot.release()
    file = slot.folder / "spool.db"
    flip(file, (file.stat().st_size // 4096 - 1) * 4096, 64)
    again = Slots(tmp_path).claim()
    assert again.folder == slot.folder
    assert 80 < again.contents.entries < 100
    assert (again.folder / "spool.db.damaged-1").exists()


def test_a_place_where_no_folder_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text(json.dumps("a file"))
    with pytest.raises(SpoolUnusableError, match=r"slot-0 cannot be used: Not a directory"):
        Slots(tmp_path / "spool").claim()
