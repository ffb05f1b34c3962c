from collections.abc import Iterator

import pytest

from schemas.commands import Command
from schemas.deliveries import DeliveryFact, FactKind, Status
from streams.deliveries import Delivery, record
from streams.sending.book import Book, command_key, provider_key
from tests.streams.sending.world import PARTITION, SCHEDULE, START, Table, command

ONE, TWO = command("one"), command("two")
NAMED = "true_5547999990001@c.us_3EB0AA17"
MESSAGE = provider_key("canalum", "3EB0AA17")


def life(of: Command, *, answered: bool = True) -> Iterator[DeliveryFact]:
    """The facts of a command that is sent at the first attempt."""
    delivery, fact = record(Delivery.of(of), FactKind.ACCEPTED, START, command=of)
    yield fact
    delivery, fact = record(delivery, FactKind.ATTEMPT_STARTED, START, attempt=1)
    yield fact
    if answered:
        yield record(delivery, FactKind.ANSWERED, START, attempt=1, provider_message_id=NAMED)[1]


def book(table: Table, *facts: DeliveryFact) -> Book:
    """A book that has learned these facts, at the offsets from 100 on."""
    learned = Book(PARTITION, table)
    for offset, fact in enumerate(facts, start=100):
        learned.learn(offset, fact)
    return learned


def status(known: Book, of: Command) -> Status | None:
    delivery = known.get(command_key(of.command_id))
    return delivery.status if delivery else None


@pytest.mark.parametrize("is_saved", [False, True])
async def test_a_book_knows_open_and_closed_commands_saved_or_not(*, is_saved: bool) -> None:
    known = book(Table(), *life(ONE), *life(TWO, answered=False))
    if is_saved:
        await known.save()
    assert (status(known, ONE), status(known, TWO)) == (Status.SENT, Status.ATTEMPTING)
    assert status(known, command("three")) is None
    assert [key for key, _ in known.open_commands()] == [command_key(TWO.command_id)]
    assert known.bound(MESSAGE) == command_key(ONE.command_id)


async def test_a_saved_book_is_the_same_when_it_is_opened_again() -> None:
    table = Table()
    first = book(table, *life(ONE), *life(TWO, answered=False))
    await first.save()
    again = Book(PARTITION, table)
    assert (status(again, ONE), status(again, TWO)) == (Status.SENT, Status.ATTEMPTING)
    assert list(again.open_commands()) == list(first.open_commands())
    assert again.bound(MESSAGE) == command_key(ONE.command_id)
    assert again.channels == {"canalum"}
    assert again.position == 105


async def test_a_closed_command_is_saved_without_its_text() -> None:
    table = Table()
    await book(table, *life(ONE), *life(TWO, answered=False)).save()
    assert ONE.text.encode() not in table.data[PARTITION][command_key(ONE.command_id)]
    assert TWO.text.encode() in table.data[PARTITION][command_key(TWO.command_id)]


async def test_facts_that_are_learned_again_change_nothing_and_are_not_saved_again() -> None:
    table = Table()
    known = book(table, *life(ONE))
    await known.save()
    for offset, fact in enumerate(life(ONE), start=100):
        known.learn(offset, fact)
    await known.save()
    assert (known.position, status(known, ONE), table.writes) == (103, Status.SENT, 1)


def test_the_log_is_replayed_from_the_first_fact_of_what_may_still_be_sent() -> None:
    known = book(Table(), *life(ONE), *life(TWO, answered=False))
    assert known.replay_from(START, SCHEDULE) == 103
    assert book(Table(), *life(ONE)).replay_from(START, SCHEDULE) == 103
    assert Book(PARTITION, Table()).replay_from(START, SCHEDULE) == 0


def test_a_message_belongs_to_the_first_command_that_named_it() -> None:
    assert book(Table(), *life(ONE), *life(TWO)).bound(MESSAGE) == command_key(ONE.command_id)


def test_what_is_no_uuid_is_no_command_id() -> None:
    with pytest.raises(ValueError, match="is no UUID"):
        command_key("one")
