from pathlib import Path

from tests.chaos.history import History
from tests.chaos.ledger import Ledger, summary
from tests.chaos.oracle import Violation
from tests.chaos.run import Outcome
from tests.chaos.scenario import plan


def _outcome(seed: int, *violations: Violation, acted: tuple[str, ...] = ()) -> Outcome:
    return Outcome(plan(seed), "tag", list(violations), History([], []), failpoints=list(acted))


def test_a_seed_counts_by_its_last_outcome(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.add(_outcome(1, Violation("lost", "an input")), "abc")
    ledger.add(_outcome(2), "abc")
    ledger.add(_outcome(1), "def")
    assert {line["seed"]: (line["outcome"], line["revision"]) for line in ledger.lines()} == {
        1: ("passed", "def"),
        2: ("passed", "abc"),
    }


def test_a_ledger_that_is_cleared_is_empty(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.add(_outcome(1), "abc")
    ledger.clear()
    assert ledger.lines() == []


def test_the_summary_counts_by_fault_by_failpoint_and_in_all(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.add(
        _outcome(1, Violation("sent twice", "c-1"), Violation("went back", "c-2"), acted=("sender.answered",)), "a"
    )
    ledger.add(_outcome(2), "a")
    text = summary(ledger.lines())
    for fault in plan(1).fault_names():
        assert any(line.split()[-1] == "1" for line in text.splitlines() if line.startswith(fault))
    assert "0 lost, 1 unrecorded duplicate sends, 1 status regressions, 2 violations in all" in text
    assert text.endswith("1 seeds passed, 1 failed: [1]")
