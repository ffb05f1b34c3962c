"""`make test`: every check and test of the project, and one summary at the end.

Two things run at a time: end-to-end and integration tests wait for most of their time, and leave a core to what runs
beside them. A step that should run tests and runs none has failed.
"""

import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_CLEAN_UP_SECONDS = 120
_RUNNING: set[subprocess.Popen[str]] = set()
_STOPPED = threading.Event()
CHECKOUT = Path(__file__).resolve().parents[1]
_PYTEST = (sys.executable, "-m", "pytest", "--quiet", "--color=no", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Check:
    """A command that must end with 0; one that runs tests says where it leaves their JUnit report."""

    name: str
    command: Sequence[str]
    runs_tests: bool = False


@dataclass
class Outcome:
    """How a check went. `passed` and `failed` count tests, or the check itself where it runs none."""

    check: Check
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    output: str = ""

    @property
    def skips(self) -> int:
        return self.skipped.total()


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _tests(name: str, marker: str, *where: str) -> Check:
    return Check(name, (*_PYTEST, "-m", marker, *where), runs_tests=True)


STATIC = (
    Check("lint", (_tool("ruff"), "check", "--quiet", ".")),
    Check("format", (_tool("ruff"), "format", "--check", "--quiet", ".")),
    Check("import rules", (_tool("lint-imports"),)),
    Check("types", (_tool("mypy"),)),
)
_INFRA = "tests/infra"
_STREAMS = ("tests/streams", "tests/agents")
TESTS = (
    _tests("end to end", "e2e"),
    _tests("unit", "not integration and not e2e"),
    _tests("integration 1", "integration", _INFRA),
    _tests("integration 2", "integration", *_STREAMS),
    _tests("integration 3", "integration", *(f"--ignore={folder}" for folder in (_INFRA, *_STREAMS))),
)
"""The longest first, so that both lanes end at about the same time."""


def run(check: Check) -> Outcome:
    """Run one check and read what came of it."""
    outcome = Outcome(check)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="posto-checks-") as folder:
        report = Path(folder) / "junit.xml"
        command = [*check.command, f"--junit-xml={report}"] if check.runs_tests else list(check.command)
        outcome.output, code = _output_and_code(command)
        if check.runs_tests and report.exists():
            count(report, outcome)
    outcome.seconds = time.monotonic() - began
    if not check.runs_tests:
        outcome.passed, outcome.failed = (1, 0) if code == 0 else (0, 1)
    elif code != 0 and not outcome.failed:
        outcome.failed = 1  # it broke before or after its tests, or had none
    elif not outcome.passed and not outcome.failed:
        outcome.failed = 1
        outcome.output += "\nno test was run"
    return outcome


def _output_and_code(command: Sequence[str]) -> tuple[str, int]:
    """Run a command; where we are stopped, let it clean up first (`subprocess.run` would kill it at once)."""
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    _RUNNING.add(process)
    try:
        output, _ = process.communicate()
    except KeyboardInterrupt:
        process.communicate(timeout=_CLEAN_UP_SECONDS)
        raise
    finally:
        _RUNNING.discard(process)
    return output, process.returncode


class TerminatedError(KeyboardInterrupt):
    """We got a SIGTERM."""


def terminated(signal_number: int, frame: object) -> None:
    """Signal handler: what SIGTERM does to a run. (Ctrl-C reaches all its processes by itself.)"""
    for process in list(_RUNNING):
        process.terminate()
    raise TerminatedError


def count(report: Path, outcome: Outcome) -> None:
    """Add up the test cases of a JUnit report; a test that passed and then broke in its teardown has failed."""
    failed: set[tuple[str | None, str | None]] = set()
    seen: set[tuple[str | None, str | None]] = set()
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - pytest wrote it just now
        key = (case.get("classname"), case.get("name"))
        skip = case.find("skipped")
        if skip is not None:
            outcome.skipped[skip.get("message") or "no reason given"] += 1
            continue
        seen.add(key)
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(key)
    outcome.failed = len(failed)
    outcome.passed = len(seen - failed)


def not_run() -> list[str]:
    """What this machine cannot show, each with its reason."""
    from infra.stack import mysql, tools
    from tests.support.containers import engine_answers

    lines = []
    if not engine_answers():
        lines.append("docker compose up, tests in containers: no Docker engine answers here")
    server = tools.DATABASE.find()
    if server is not None and mysql.is_mariadb(server):
        lines.append(f"MySQL 8: the database server here is MariaDB ({server.name}), which ran all tests")
    return lines


def _lane(checks: deque[Check], outcomes: list[Outcome]) -> None:
    """Take one check after the other until none is left."""
    while not _STOPPED.is_set():
        try:
            check = checks.popleft()
        except IndexError:
            return
        _say(f"{check.name:<14} ...")
        outcome = run(check)
        outcomes.append(outcome)
        _show(outcome)


def _two_at_a_time(checks: Sequence[Check]) -> list[Outcome]:
    """Run all checks in two lanes; their outcomes in the order in which they ended."""
    waiting, outcomes = deque(checks), list[Outcome]()
    beside = threading.Thread(target=_lane, args=(waiting, outcomes), daemon=True)
    beside.start()
    try:
        _lane(waiting, outcomes)
    except KeyboardInterrupt:
        _STOPPED.set()
        beside.join(_CLEAN_UP_SECONDS)
        raise
    beside.join()
    return outcomes


def _show(outcome: Outcome) -> None:
    if outcome.failed:
        _say(f"\n--- {outcome.check.name} ---\n{outcome.output.rstrip()}\n")
    sign = "failed" if outcome.failed else "ok"
    _say(f"{outcome.check.name:<14} {sign:<7} {outcome.seconds:6.1f} s")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def summary(outcomes: Sequence[Outcome], seconds: float, missing: Sequence[str]) -> str:
    """What ran, how it went and what could not run; the last line is the count."""
    lines = [f"\n{'step':<14} {'result':<7} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}"]
    lines += [
        f"{outcome.check.name:<14} {'FAILED' if outcome.failed else 'ok':<7} {outcome.passed:>7} {outcome.failed:>7} "
        f"{outcome.skips:>8} {outcome.seconds:>8.1f}"
        for outcome in outcomes
    ]
    skipped = sum((outcome.skipped for outcome in outcomes), Counter[str]())
    lines += [f"not run: {reason} ({times} tests)" for reason, times in sorted(skipped.items())]
    lines += [f"not run: {reason}" for reason in missing]
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    lines += [f"{seconds:.0f} s in total", f"{passed} passed, {failed} failed"]
    return "\n".join(lines)


def main() -> int:
    """Run everything; the exit code is 0 only where nothing failed."""
    signal.signal(signal.SIGTERM, terminated)
    began = time.monotonic()
    outcomes = _two_at_a_time((*STATIC, *TESTS))
    _say(summary(outcomes, time.monotonic() - began, not_run()))
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
