"""The example producers as commands, and whether they can be run here."""

import asyncio
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.stack.layout import CHECKOUT
from tests.support.stack import clean_environ

EXAMPLES = CHECKOUT / "examples"
OVER_HTTP = ("python/http_producer.py", "php/http_producer.php", "node/http_producer.mjs")

_RUNTIMES = {".py": sys.executable, ".php": "php", ".mjs": "node"}
_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    out: str
    errors: str


async def run(program: Path, *arguments: str, env: Mapping[str, str]) -> Ended:
    """Run an example; the test is skipped with the reason where its runtime is not installed."""
    runtime = _RUNTIMES[program.suffix]
    if shutil.which(runtime) is None:
        pytest.skip(f"{runtime} is not installed: {program.name} is not run")
    process = await asyncio.create_subprocess_exec(
        runtime,
        str(program),
        *arguments,
        env={**clean_environ(), **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Ended(process.returncode or 0, out.decode(), errors.decode())
