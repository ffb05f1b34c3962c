"""A racer in a process of its own: arguments in, one line of JSON out."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.stack.layout import CHECKOUT

_SECONDS: Final = 280.0
_TOLD: Final = 4_000  # characters of what a failed one wrote


class RacerError(Exception):
    """A racer ended without its line."""


async def race_alone(
    module: str, *arguments: str, python: Path = Path(sys.executable), env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `python -m <module>` in the checkout and give what the last line of its output says."""
    process = await asyncio.create_subprocess_exec(
        str(python),
        "-m",
        module,
        *arguments,
        cwd=CHECKOUT,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = output.splitlines()
    if process.returncode != 0 or not lines:
        said = errors.decode(errors="replace")[-_TOLD:]
        raise RacerError(f"{module} {' '.join(arguments)} ended with {process.returncode}:\n{said}")
    told: dict[str, Any] = msgspec.json.decode(lines[-1])
    return told
