"""What is remembered of a key, as it lies in the table."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Coordinates, Decision, Kind
from streams import keys, quarantine, topics
from streams.seen import Rejection, Seen, Update, needed_until, received_at, without_commands
from tests.streams.test_sightings import Rows

texts = st.text(max_size=20)
numbers = st.integers(0, 2**40)
places = st.builds(
    Coordinates, st.sampled_from((topics.RAW_EVENT, topics.COMMAND_MEDIA, "elsewhere")), numbers, numbers
)
decisions = st.builds(
    Decision,
    action=texts,
    rule_id=st.none() | texts,
    rule_version=st.none() | numbers,
    template=st.none() | texts,
    template_version=st.none() | numbers,
    tenant_id=st.none() | numbers,
    channel=st.none() | texts,
    command_id=st.none() | texts | st.uuids().map(str),
    reason=st.none() | texts,
)
entries = st.builds(
    Seen,
    raw=places,
    fingerprint=texts | st.binary(min_size=16, max_size=16).map(bytes.hex),
    revision=st.integers(0, 3),
    kind=st.sampled_from(Kind),
    received_at=st.floats(0, 1e11),
    decision=decisions,
    commands=st.lists(st.binary(max_size=20), max_size=2).map(tuple),
    corrects=st.none() | st.builds(Rejection, texts, numbers, numbers, st.none() | decisions),
    updates=st.lists(st.builds(Update, places, st.integers(0, 3), st.booleans(), st.none() | texts), max_size=2).map(
        tuple
    ),
    redrive=st.none() | texts,
)


@given(entries, numbers)
def test_an_entry_reads_back_as_it_was_written(seen: Seen, offset: int) -> None:
    assert Seen.decode(seen.encode(offset)) == seen


@given(entries)
def test_an_entry_of_before_they_were_small_still_reads_and_keeps_what_it_has(seen: Seen) -> None:
    former = msgspec.msgpack.encode(seen)

    assert Seen.decode(former) == seen
    assert received_at(former) == seen.received_at
    assert needed_until(former) is None


@given(entries, numbers)
def test_an_entry_needs_its_commands_until_their_record_and_loses_nothing_else(seen: Seen, offset: int) -> None:
    entry = seen.encode(offset)

    assert received_at(entry) == seen.received_at
    assert needed_until(entry) == (offset if seen.commands else None)
    assert without_commands(entry) == msgspec.structs.replace(seen, commands=()).encode(0)
    assert needed_until(without_commands(entry)) is None


def test_other_rows_of_the_table_are_no_entries() -> None:
    rows = Rows()
    quarantine.hold(rows, "canal", Coordinates(topics.RAW_WEBHOOK, 0, 1))

    assert [(received_at(row), needed_until(row)) for row in rows.data.values() if row] == [(None, None)] * 2


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"action": "none", "rule_id": "whatsapp_delivery_ack", "rule_version": 1}, 80),
        (
            {
                "action": "whatsapp",
                "rule_id": "billing_invoice_overdue",
                "template": "billing_invoice",
                "template_version": 3,
                "command_id": keys.command_id(keys.event_id("k"), "whatsapp"),
                "tenant_id": 1,
                "channel": "canal um",
            },
            144,
        ),
    ],
)
def test_a_usual_entry_is_small(change: dict[str, Any], limit: int) -> None:
    seen = Seen(
        raw=Coordinates(topics.RAW_WEBHOOK, 7, 123_456_789),
        fingerprint=keys.fingerprint({}),
        revision=1,
        kind=Kind.ACCEPTED,
        received_at=1_768_512_935.123456,
        decision=Decision(**change),
    )

    assert len(seen.encode(9)) < limit
