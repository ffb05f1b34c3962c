"""Slots: one folder of the spool for each edge process of this machine, held by a lock that ends with the process."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import structlog

from adapters.edge.spool.errors import SpoolDamagedError, SpoolError, SpoolUnusableError
from adapters.edge.spool.file import NAME, Contents, SpoolFile
from adapters.edge.spool.salvage import salvage

log = structlog.get_logger()

T = TypeVar("T")

_MAX_SLOTS: Final = 64


class Slot:
    """A folder of which we hold the lock, with its file open."""

    def __init__(self, folder: Path) -> None:
        """BlockingIOError where another process holds it, SpoolError where it cannot be used."""
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolUnusableError(f"{folder} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.file, self.contents = self._opened()
        except BaseException:
            os.close(self._lock)
            raise

    def on_file(self, work: Callable[[SpoolFile], T], salvaged: Callable[[Contents], None]) -> T:
        """Work on the file. One that turns out to be damaged, however late, is salvaged, which `salvaged` is told."""
        try:
            return work(self.file)
        except SpoolDamagedError:
            self._salvage()
            salvaged(self.contents)
            return work(self.file)

    def release(self) -> None:
        """Close the file and let others have the slot."""
        self.file.close()
        os.close(self._lock)

    def _salvage(self) -> None:
        """Go on with a fresh file that has all that can be read of the damaged one."""
        next_seq = self.file.next_seq
        self.file.close()
        self.file, self.contents = self._salvaged()
        self.file.next_seq = next_seq  # no number is used twice, even of what was lost

    def _opened(self) -> tuple[SpoolFile, Contents]:
        try:
            return _with_contents(self.folder)
        except SpoolDamagedError:
            return self._salvaged()

    def _salvaged(self) -> tuple[SpoolFile, Contents]:
        aside, lost = salvage(self.folder / NAME)
        log.error("spool_damaged", lost_entries=lost, damaged_file=str(aside))
        return _with_contents(self.folder)


class Slots:
    """The folder of all slots of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._complained: set[str] = set()
        self.unreadable = 0
        """How many slots could not be read when they were last looked at."""

    def claim(self) -> Slot:
        """The first slot that nobody holds; SpoolError where there is none that can be used."""
        last: SpoolError | None = None
        for number in range(_MAX_SLOTS):
            folder = self._folder / f"slot-{number}"
            is_new = not folder.is_dir()
            try:
                return Slot(folder)
            except BlockingIOError:
                continue
            except SpoolError as error:
                last = error
                self._complain(error)
                if is_new:
                    break  # others will not do better
        raise last or SpoolUnusableError(f"All {_MAX_SLOTS} slots of {self._folder} are held by other processes.")

    def left(self) -> list[Slot]:
        """The slots that processes left behind that are gone, as far as something lies in them; they are ours now."""
        found: list[Slot] = []
        self.unreadable = 0
        for path in sorted(self._folder.glob(f"slot-*/{NAME}"), key=lambda path: path.parent.name):
            try:
                slot = Slot(path.parent)
            except BlockingIOError:
                continue
            except SpoolError as error:
                self.unreadable += 1
                self._complain(error)
                continue
            if slot.contents.entries:
                found.append(slot)
            else:
                slot.release()
        return found

    def _complain(self, error: SpoolError) -> None:
        """Say once what is wrong with a slot."""
        if str(error) not in self._complained:
            self._complained.add(str(error))
            log.error("spool_slot_unusable", reason=str(error))


def _with_contents(folder: Path) -> tuple[SpoolFile, Contents]:
    file = SpoolFile(folder / NAME)
    try:
        return file, file.contents()
    except SpoolError:
        file.close()
        raise
