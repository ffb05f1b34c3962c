"""What counts as standing still: time in looks, on a clock of the test's own."""

from streams.runtime.progress import Progress
from streams.runtime.standstill import Sign, Standstill


def still(standstill: Standstill[str], looks: int, sign: Sign, start: float = 0.0) -> float:
    """How long `a` has stood still after so many looks, one a second."""
    standing = None
    for second in range(looks):
        standing = standstill.look(start + second, {"a": sign})
    return standing.seconds if standing else 0.0


def test_a_partition_with_work_that_does_not_move_stands_still() -> None:
    assert still(Standstill(1.0), 31, Sign(moves=5, has_work=True)) == 30


def test_without_work_or_with_an_excuse_nothing_stands_still() -> None:
    assert still(Standstill(1.0), 31, Sign(moves=5, has_work=False)) == 0
    assert still(Standstill(1.0), 31, Sign(moves=5, has_work=True, is_excused=True)) == 0


def test_a_step_or_a_moment_of_waiting_begins_the_time_anew() -> None:
    for other in (Sign(6, has_work=True), Sign(5, has_work=True, is_excused=True), Sign(5, has_work=False)):
        standstill: Standstill[str] = Standstill(1.0)
        still(standstill, 31, Sign(5, has_work=True))
        still(standstill, 1, other, start=31.0)
        assert still(standstill, 5, Sign(5, has_work=True), start=32.0) == 4


def test_the_one_that_stands_longest_is_named_whatever_the_others_do() -> None:
    standstill: Standstill[str] = Standstill(1.0)
    for second in range(10):
        found = standstill.look(second, {"a": Sign(second, has_work=True), "b": Sign(0, has_work=True)})
    assert found is not None
    assert (found.place, found.seconds) == ("b", 9)


def test_a_process_that_was_frozen_has_not_stood_still_all_that_time() -> None:
    standstill: Standstill[str] = Standstill(1.0)
    sign = Sign(5, has_work=True)
    still(standstill, 3, sign)
    found = standstill.look(1000.0, {"a": sign})
    assert found is not None
    assert found.seconds == 4


def test_what_is_forgotten_does_not_count() -> None:
    standstill: Standstill[str] = Standstill(1.0)
    still(standstill, 31, Sign(5, has_work=True))
    standstill.forget()
    assert still(standstill, 2, Sign(5, has_work=True), start=31.0) == 1


def test_a_partition_that_left_and_came_back_begins_anew() -> None:
    standstill: Standstill[str] = Standstill(1.0)
    still(standstill, 31, Sign(5, has_work=True))
    assert standstill.look(31.0, {}) is None
    assert still(standstill, 2, Sign(5, has_work=True), start=32.0) == 1


def test_the_lag_counts_what_was_fetched_and_the_offsets_beyond() -> None:
    assert Progress(committed=5, acked=5, fetched=9, unacked=3).lag(12) == 6
    assert Progress(committed=5, acked=5, fetched=9, unacked=3).lag(None) == 3
    assert Progress(committed=None, acked=None, fetched=None).lag(12) == 0


def test_markers_that_were_passed_are_no_lag() -> None:
    """A transaction's end occupies the offset after its last record, at which the commit stands."""
    assert Progress(committed=5, acked=5, fetched=6).lag(6) == 0


def test_a_commit_is_due_once_more_is_done_than_it_says() -> None:
    assert Progress(committed=5, acked=6, fetched=9).is_commit_due
    assert Progress(committed=None, acked=1, fetched=9).is_commit_due
    assert not Progress(committed=5, acked=5, fetched=9).is_commit_due
    assert not Progress(committed=5, acked=None, fetched=9).is_commit_due
