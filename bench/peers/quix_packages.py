"""Quix Streams' packages, in a folder of their own: it asks for an older pydantic than ours."""

import asyncio
import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Final

from infra.stack.layout import CHECKOUT

LOCK: Final = Path(__file__).with_name("quix.lock")


async def installed() -> Path:
    """The folder, which goes first on PYTHONPATH; filled at the first call, as its lock file says."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    final = CHECKOUT / ".local" / "bench" / f"quix-{digest}"
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quix-", suffix=".partial", dir=final.parent) as scratch:
        target = Path(scratch) / "packages"
        command = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--no-deps"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--require-hashes", f"--target={target}", f"--requirement={LOCK}"
        )
        if await process.wait() != 0:
            raise RuntimeError(f"pip could not install {LOCK}")
        target.rename(final)
    return final
