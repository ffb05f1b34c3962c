"""Where the local stack keeps what: the folders and files under POSTO_LOCAL_DIR."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.errors import StackError

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of this project's code."""

_LONGEST_SOCKET_PATH = 92
"""Bytes: the system allows 107 (103 on macOS), and supervisord binds to the path plus `.<pid>` first."""


@dataclass(frozen=True)
class Layout:
    """The folders of one local stack; `root` is POSTO_LOCAL_DIR, absolute."""

    root: Path

    @classmethod
    def at(cls, local_dir: Path) -> "Layout":
        return cls(local_dir.expanduser().resolve())

    @property
    def env(self) -> Path:
        return self.root / "env"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def mysql(self) -> Path:
        return self.root / "mysql"

    @property
    def media(self) -> Path:
        return self.root / "media"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def parts(self) -> tuple[Path, ...]:
        """Everything the stack ever puts under `root`; what `posto clean` may remove."""
        return (self.kafka, self.mysql, self.media, self.spool, self.log, self.run, self.env, self.lock)

    @cached_property
    def sockets(self) -> Path:
        """A folder with a path short enough for sockets: `run`, else one of the user's own in the temporary folder."""
        if len(os.fsencode(self.run)) <= _LONGEST_SOCKET_PATH - len("/supervisor.sock"):
            return self.run
        name = hashlib.blake2b(os.fsencode(self.root), digest_size=6).hexdigest()
        return Path(tempfile.gettempdir()) / f"posto-{os.getuid()}-{name}"

    def create(self) -> None:
        """Make the folders, readable by their owner only: logs and data hold phone numbers and secrets."""
        for folder in (self.root, self.log, self.run, self.kafka, self.mysql, self.sockets):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StackError(f"POSTO_LOCAL_DIR: {folder} cannot be made: {error.strerror}.") from None
        if self.sockets.stat().st_uid != os.getuid():
            raise StackError(f"{self.sockets} belongs to another user: set POSTO_LOCAL_DIR to a shorter path.")
