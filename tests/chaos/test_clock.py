import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import clock

_CHILD = """
import sys, time
for line in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


@pytest.mark.skipif(clock.library() is None, reason="libfaketime is not installed")
def test_the_time_of_day_of_a_process_jumps_and_its_durations_do_not(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    with subprocess.Popen(
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

        before = look()
        clock.move(file, 3600)
        ahead = look()
        clock.move(file, -3600)
        behind = look()
        asked.close()
    assert 3590 < ahead[0] - before[0] < 3700
    assert -3610 < behind[0] - before[0] < -3500
    assert before[1] <= ahead[1] <= behind[1] < before[1] + 60
