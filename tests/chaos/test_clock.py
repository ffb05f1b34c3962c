import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import clock
from tests.support.waiting import eventually

_CHILD = """
import sys, time
for line in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


@pytest.mark.skipif(clock.library() is None, reason="libfaketime is not installed")
async def test_the_time_of_day_of_a_process_jumps_and_its_durations_do_not(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    with subprocess.Popen(  # noqa: ASYNC220 (it starts at once)
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **clock.environment(file)},
    ) as child:
        asked, answered = child.stdin, child.stdout
        assert asked is not None
        assert answered is not None

        def look() -> tuple[float, float]:
            print("look", file=asked, flush=True)
            day, durations = answered.readline().split()
            return float(day), float(durations)

        async def moved(seconds: float) -> float:
            """Move the clock; what measures durations, once it is there."""
            clock.move(file, seconds)

            def is_there() -> float | None:
                day, durations = look()
                return durations if abs(day - before[0] - seconds) < 100 else None

            return await eventually(is_there, 30) or 0.0

        before = look()
        ahead, behind = await moved(3600), await moved(-3600)
        asked.close()
    assert before[1] <= ahead <= behind < before[1] + 60
