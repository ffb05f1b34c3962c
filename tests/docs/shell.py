"""Runs the blocks of a document as a person would: one after the other, in one shell, in the project's folder."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pymysql

from infra.settings import parse_dsn
from infra.stack.environment import read
from infra.stack.layout import CHECKOUT
from tests.docs.markdown import Block
from tests.support.stack import Stack, clean_environ

_SECONDS = 60
_OWN = frozenset({".local", ".env", ".venv"})
_NEW_EVERY_TIME = re.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-f]{4,})*|[+-]?\d+(?:[.,:]\d+)*")
_ENVIRONMENT = "posto-docs-environment"


class Shell:
    """A shell on a stack; what a block sets, the next one has."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        """`folder` becomes the project's folder as it is after `make up`.

        RuntimeError where `make` would install there: it would tie .venv, which is shared, to `folder`.
        """
        stamp = CHECKOUT / ".venv" / ".installed"
        inputs = (CHECKOUT / name for name in ("requirements.lock", "pyproject.toml", "infra/bootstrap"))
        if not stamp.exists() or any(source.stat().st_mtime > stamp.stat().st_mtime for source in inputs):
            raise RuntimeError(".venv is older than what it is made from: run `make status`, then the tests again")
        for entry in CHECKOUT.iterdir():
            if entry.name not in _OWN:
                (folder / entry.name).symlink_to(entry)
        (folder / ".venv").symlink_to(CHECKOUT / ".venv")
        (folder / ".local").symlink_to(stack.layout.root)
        self._folder = folder
        self._stack = stack
        self._environ = clean_environ()

    def run(self, block: Block) -> str:
        """Run one block; what it printed. AssertionError where it fails."""
        match block.language:
            case "bash":
                return self._bash(block)
            case "python":
                return self._process(
                    block, str(self._folder / ".venv" / "bin" / "python"), "-W", "error", "-c", block.text
                )
            case "sql":
                return self._sql(block)
            case other:
                raise ValueError(f"{block}: {other} is not run")

    def _bash(self, block: Block) -> str:
        after = self._folder / _ENVIRONMENT
        script = f"set -a\ntrap 'env -0 > {_ENVIRONMENT}' EXIT\n{block.text}\n"
        printed = self._process(block, "bash", "-e", "-u", "-o", "pipefail", "-c", script)
        pairs = after.read_bytes().decode().rstrip("\0").split("\0")
        self._environ = dict(pair.split("=", 1) for pair in pairs)
        return printed

    def _process(self, block: Block, *command: str) -> str:
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            printed, errors = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the shell, and what it started
            printed, errors = process.communicate()
        assert process.returncode == 0, f"{block} ended with {process.returncode}:\n{printed}\n{errors}"
        return printed

    def _sql(self, block: Block) -> str:
        address = parse_dsn(read(self._stack.layout.env)["MYSQL_DSN"])
        connection = pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.get_secret_value(),
            database=address.database,
            autocommit=True,
        )
        printed = []
        with connection, connection.cursor() as cursor:
            for statement in re.split(r";\s*(?:\n|$)", block.text.strip()):
                if statement:
                    cursor.execute(statement)
                    printed += ["\t".join(map(str, row)) for row in cursor.fetchall()]
        return "\n".join(printed)


def has(program: str) -> bool:
    """Whether this machine has a program."""
    return shutil.which(program) is not None


def shape(text: str) -> list[str]:
    """The lines of an output without what is new at every run: ids, numbers, times, the width of columns."""
    return [" ".join(_NEW_EVERY_TIME.sub("#", line).split()) for line in text.strip().splitlines()]
