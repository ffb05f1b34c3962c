"""The runner of `make test`: what it counts, and what it lets nobody overlook."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from infra.stack.layout import CHECKOUT
from tests.run import Check, Outcome, run, summary
from tests.support.waiting import eventually


def _pytest(folder: Path, body: str, *options: str) -> Check:
    (folder / "test_sample.py").write_text(body)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", *options, str(folder)]
    return Check("sample", command, runs_tests=True)


def test_passed_failed_and_skipped_tests_are_counted(tmp_path: Path) -> None:
    body = """
import pytest
def test_a(): pass
def test_b(): assert False, "as it is"
@pytest.mark.skip(reason="no engine")
def test_c(): pass
"""
    outcome = run(_pytest(tmp_path, body))
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 1, Counter({"no engine": 1}))
    assert "as it is" in outcome.output


def test_a_test_that_breaks_in_its_teardown_has_failed(tmp_path: Path) -> None:
    body = """
import pytest
@pytest.fixture
def broken():
    yield
    raise RuntimeError
def test_a(broken): pass
"""
    outcome = run(_pytest(tmp_path, body))
    assert (outcome.passed, outcome.failed) == (0, 1)


@pytest.mark.parametrize("body", ["", "import no_such_module"], ids=["no tests", "cannot be collected"])
def test_a_step_that_runs_no_test_has_failed(body: str, tmp_path: Path) -> None:
    outcome = run(_pytest(tmp_path, body))
    assert (outcome.passed, outcome.failed) == (0, 1)


def test_a_step_whose_tests_are_all_skipped_has_failed(tmp_path: Path) -> None:
    outcome = run(_pytest(tmp_path, "import pytest\npytestmark = pytest.mark.skip(reason='x')\ndef test_a(): pass\n"))
    assert (outcome.passed, outcome.failed) == (0, 1)


def test_a_check_without_tests_counts_as_one() -> None:
    assert run(Check("fine", ["true"])).passed == 1
    assert run(Check("broken", ["false"])).failed == 1


def test_a_crash_of_the_test_process_is_a_failure() -> None:
    assert run(Check("crash", ["/bin/sh", "-c", "kill -9 $$"], runs_tests=True)).failed == 1


async def test_a_run_that_is_told_to_stop_lets_the_tests_of_both_lanes_clean_up(tmp_path: Path) -> None:
    def lane(name: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        body = f"""
import pathlib, signal, pytest
@pytest.fixture
def server():
    pathlib.Path({str(folder / "up")!r}).touch()
    yield
    pathlib.Path({str(folder / "down")!r}).touch()
def test_a(server): signal.pause()
"""
        check = _pytest(folder, body, "-p", "tests.support.interruption")
        return f"Check({name!r}, {list(check.command)!r}, True)"

    code = (
        "import signal; from tests.run import Check, _two_at_a_time, terminated\n"
        f"signal.signal(signal.SIGTERM, terminated); _two_at_a_time([{lane('one')}, {lane('other')}])"
    )
    runner = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    await eventually(lambda: all((tmp_path / name / "up").exists() for name in ("one", "other")))
    runner.terminate()
    assert await runner.wait() != 0
    assert all((tmp_path / name / "down").exists() for name in ("one", "other"))


def test_the_summary_names_what_did_not_run_and_ends_with_the_count() -> None:
    outcomes = [
        Outcome(Check("unit", []), passed=10, skipped=Counter({"no engine": 2})),
        Outcome(Check("types", []), failed=1),
    ]
    lines = summary(outcomes, 12.3, ["MySQL 8: not here"]).splitlines()
    assert "not run: no engine (2 tests)" in lines
    assert "not run: MySQL 8: not here" in lines
    assert lines[-1] == "10 passed, 1 failed"
