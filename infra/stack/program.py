"""A program of the stack: what is started how, and how it is stopped."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.stack.environment import exports

START_SECONDS = 60.0
"""How long a program may take until it is ready."""


@dataclass(frozen=True)
class Program:
    """One supervised process.

    `port` is where it listens, on 127.0.0.1; `is_ready` says whether it does its work; `revision` is anything that,
    when changed, means that a running process is out of date.
    """

    name: str
    command: Sequence[str]
    port: int
    directory: Path
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: int = 10
    revision: str = ""

    def script(self) -> str:
        """A shell script that becomes this program; the one way in which it is ever started.

        It keeps the supervisor's pipe to its input open under another number: MariaDB closes its input, and supervisord
        4.3 may then take a core for itself. It polls a descriptor on as what it once was, and handles no error of it.
        """
        return (
            f"#!/bin/sh\n# How {self.name} is started; written by `posto up`.\n"
            f"{exports(self.environment)}cd {shlex.quote(str(self.directory))}\n"
            f"exec 9<&0\nexec {shlex.join(self.command)}\n"
        )
