"""The commands that are not over are counted along, and the count is what looking at all of them would give."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from schemas.deliveries import Status
from streams.deliveries import OPEN
from streams.sending.book import Book
from streams.sending.open_commands import OpenCommands
from tests.streams.sending.test_book import ONE, TWO, book, life
from tests.streams.sending.world import PARTITION, Table, command


def metric(state: Status) -> float:
    return REGISTRY.get_sample_value("posto_commands", {"state": state}) or 0


async def test_a_book_counts_its_open_commands_by_state_also_when_it_is_opened_again() -> None:
    before = metric(Status.ATTEMPTING)
    table = Table()
    first = book(table, *life(ONE), *life(TWO, answered=False), *life(command("three"), answered=False))
    assert {status: number for status, number in first.states.counts.items() if number} == {Status.ATTEMPTING: 2}
    assert metric(Status.ATTEMPTING) == before + 2
    await first.save()
    first.states.clear()
    assert metric(Status.ATTEMPTING) == before
    again = Book(PARTITION, table)
    assert again.states.counts[Status.ATTEMPTING] == 2


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.sampled_from(Status))))
def test_the_counts_are_those_of_the_last_states(changes: list[tuple[bytes, Status]]) -> None:
    counted = OpenCommands()
    for key, status in changes:
        counted.put(key, status)
    expected = Counter(status for status in dict(changes).values() if status in OPEN)
    assert +Counter(counted.counts) == expected
