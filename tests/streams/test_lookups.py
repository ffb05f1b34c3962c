"""A lid is looked up where a message names nobody better, and never where the message tells the phone."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from schemas import event_types
from streams import identity, keys
from streams.lookups import LOOKUP, asked_in_vain, is_worth_asking, lookup_of
from tests.streams.json_values import json_values
from tests.streams.samples import RECEIVED_AT, event

LID, PHONE, GROUP = "100000000000001@lid", "5547999990001@c.us", "120363000000000001@g.us"


def message(chat: str, *, own: bool = False, **payload: Any) -> Any:
    kind = event_types.OUTBOUND_MESSAGE if own else event_types.INBOUND_MESSAGE
    return event(kind, payload, source_system=keys.GATEWAY, channel="canalum", contact=identity.match_key(chat))


def test_the_other_party_of_a_message_is_looked_up_by_its_channel() -> None:
    found = lookup_of(message(LID), 7)
    assert found is not None
    assert (found.lid, found.channel, found.tenant_id, found.at) == (LID, "canalum", 7, RECEIVED_AT)
    assert found.command_id == keys.command_id(found.event_id, LOOKUP)


def test_so_is_who_speaks_in_a_group() -> None:
    found = lookup_of(message(GROUP, author=LID), 1)
    assert found is not None
    assert found.lid == LID


def test_and_whom_an_own_message_went_to_but_not_the_channel_itself() -> None:
    found = lookup_of(message(LID, own=True), 1)
    assert found is not None
    assert found.lid == LID
    assert lookup_of(message(GROUP, own=True, author=LID), 1) is None


@pytest.mark.parametrize("asked", [message(PHONE), message(GROUP), message(GROUP, author=PHONE)])
def test_what_is_no_lid_is_not_looked_up(asked: Any) -> None:
    assert lookup_of(asked, 1) is None


def test_a_message_that_tells_the_phone_itself_needs_no_look_up() -> None:
    link = {"lid": LID, "phone": PHONE}
    assert lookup_of(message(LID, link=link), 1) is None
    assert lookup_of(message(LID, link=link | {"lid": "100000000000002@lid"}), 1) is not None


def test_other_events_and_other_sources_ask_for_nothing() -> None:
    ack = event(event_types.DELIVERY_ACK, source_system=keys.GATEWAY, channel="canalum", contact=LID)
    foreign = event(event_types.INBOUND_MESSAGE, source_system="erp", channel="canalum", contact=LID)
    nowhere = event(event_types.INBOUND_MESSAGE, source_system=keys.GATEWAY, contact=LID)
    assert [lookup_of(one, 1) for one in (ack, foreign, nowhere)] == [None, None, None]
    assert lookup_of(message(LID), None) is None


def test_the_tries_of_one_look_up_count_once() -> None:
    day = timedelta(days=1)
    asked = asked_in_vain(None, RECEIVED_AT, is_repeated=False)
    for _ in range(20):
        asked = asked_in_vain(asked, RECEIVED_AT, is_repeated=True)
    assert not is_worth_asking(asked, RECEIVED_AT + day - timedelta(seconds=1))
    assert is_worth_asking(asked, RECEIVED_AT + day)


@given(json_values)
def test_no_author_is_too_odd(author: Any) -> None:
    lookup_of(message(GROUP, author=author), 1)
