"""A process whose event loop does not come round ends itself, and says where it hangs."""

import asyncio
import sys

import pytest

from streams.runtime.heartbeat import EXIT_STALLED

_PROGRAM = """
import asyncio, re, threading, time
from streams.runtime.heartbeat import Heartbeat

async def main():
    heartbeat = Heartbeat({limit})
    heartbeat.start()
    await asyncio.sleep(0.1)
    {what}
    heartbeat.stop()

asyncio.run(main())
"""


async def _run(what: str, limit: float = 0.4) -> tuple[int | None, str]:
    """The exit code of a program that does this on its event loop, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM.format(what=what, limit=limit),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("threading.Event().wait()", EXIT_STALLED),
        ("re.fullmatch('(a+)+', 'a' * 64 + 'b')", 1),  # it keeps Python's lock: no thread of Python can act
    ],
    ids=["waits", "keeps the lock"],
)
async def test_a_loop_that_hangs_ends_the_process_with_the_stack_in_which_it_hangs(what: str, code: int) -> None:
    ended, said = await _run(what)
    assert ended == code
    assert "in main" in said
    assert ("the event loop does not come round" in said) == (code == EXIT_STALLED)


async def test_a_loop_that_comes_round_is_left_alone() -> None:
    assert await _run("await asyncio.sleep(2.5)", limit=2.0) == (0, "")
