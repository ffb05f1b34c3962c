"""What is written again for a dead letter, and what is not."""

from typing import Any

import msgspec
import pytest

from schemas import headers as names
from schemas.events import Coordinates
from streams import topics
from streams.letters import Letter, LetterId, Round
from streams.normalization.raw import RawRecord
from streams.redriving import Way, refusal, way_back
from streams.runtime.dead_letters import dead_letter
from tests.agents.consumed import Consumed
from tests.streams.samples import event

RECEIVED_MS = 1_768_512_935_000


def letter_of(record: Consumed, stage: str = "normalizer") -> Letter:
    """What the log of dead letters has of a record that a stage gave up on, some minutes later."""
    dead = dead_letter(stage, record, ValueError("why"))
    return Letter.of(Consumed(dead.value, topics.DEAD_LETTER, 5, dead.key, 2, RECEIVED_MS + 300_000, dead.headers))


def redriven(record: Consumed, stage: str = "normalizer", number: int = 1) -> Way:
    letter = letter_of(record, stage)
    way = way_back(letter, Round(letter.round.letter, number))
    assert isinstance(way, Way), way
    return way


def raw(way: Way, offset: int = 57) -> RawRecord:
    """What the normalizer sees of a record that was written again."""
    return RawRecord.of(way.topic, way.partition, offset, RECEIVED_MS + 999_999, way.headers)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {
            "raw_id": b"R-1",
            "received_at": b"2026-01-15T21:00:00.123456+00:00",
            "trace_id": b"t-1",
            "source": b"webhook",
        },
        {"received_at": b"nonsense", "traceparent": b"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"},
    ],
)
def test_a_raw_record_comes_back_as_what_it_was(told: dict[str, bytes]) -> None:
    """Its place, ids and time are those of the first one: "now", and so ttl and expiry, are the same."""
    record = Consumed(b"{", topics.RAW_EVENT, 12, b"key", 3, RECEIVED_MS, list(told.items()))
    way = redriven(record)

    first, again = RawRecord.of(topics.RAW_EVENT, 3, 12, RECEIVED_MS, told.items()), raw(way)
    for name in ("coordinates", "raw_id", "received_at", "trace_id", "caller_trace_id"):
        assert getattr(again, name) == getattr(first, name), name
    assert way[:4] == (topics.RAW_EVENT, 3, b"key", b"{")
    kept = dict(way.headers)
    assert {name: kept[name] for name in told if name != "received_at"} == {
        name: text for name, text in told.items() if name != "received_at"
    }
    assert kept[names.REDRIVE] == b"normalizer:raw.event/3@12#1"
    assert not {names.STAGE, names.ERROR_MESSAGE, names.SOURCE_KEY} & set(kept)


def test_a_record_that_fails_again_keeps_its_first_place_and_its_name() -> None:
    record = Consumed(b"{", topics.RAW_EVENT, 12, b"key", 3, RECEIVED_MS)
    way = redriven(record)
    again = letter_of(Consumed(way.value, way.topic, 57, way.key, way.partition, RECEIVED_MS + 1, way.headers))

    assert again.round == Round(LetterId("normalizer", Coordinates(topics.RAW_EVENT, 3, 12)), 1)
    third = way_back(again, Round(again.round.letter, 2))
    assert isinstance(third, Way)
    assert dict(third.headers) == dict(way.headers) | {names.REDRIVE: b"normalizer:raw.event/3@12#2"}


def test_an_event_comes_back_under_its_own_key_with_the_place_of_its_raw_record() -> None:
    value = msgspec.json.encode(event(raw=Coordinates(topics.RAW_EVENT, 7, 99), stream_key="erp|1"))

    way = redriven(Consumed(value, topics.EVENT_NORMALIZED, 12, b"erp|1", 3, headers=[("replay", b"audit")]), "router")

    assert way[:4] == (topics.EVENT_NORMALIZED, 3, b"erp|1", value)
    assert dict(way.headers) == {
        "replay": b"audit",
        names.ORIGIN: b"raw.event/7@99",
        names.REDRIVE: b"router:event.normalized/3@12#1",
    }


def test_a_letter_of_before_keys_were_told_finds_its_events_key() -> None:
    value = msgspec.json.encode(event(stream_key="erp|1"))
    dead = letter_of(Consumed(value, topics.EVENT_NORMALIZED, 12, None, 3), "router")

    way = way_back(dead, Round(dead.round.letter, 1))

    assert isinstance(way, Way)
    assert way.key == b"erp|1"


@pytest.mark.parametrize(
    "topic", [topics.COMMAND_OUTBOUND, topics.COMMAND_MEDIA, topics.COMMAND_LOOKUP, topics.DELIVERY_EVIDENCE]
)
def test_what_the_hub_asked_of_itself_comes_back_where_it_was(topic: str) -> None:
    way = redriven(Consumed(b"\xff", topic, 12, b"canalum", 3), "sender")

    assert way[:4] == (topic, 3, b"canalum", b"\xff")
    assert dict(way.headers)[names.ORIGIN] == f"{topic}/3@12".encode()


@pytest.mark.parametrize(
    ("topic", "value", "why"),
    [
        (topics.EVENT_ACCEPTED, b"{}", "rebuild"),
        (topics.DELIVERY_STATUS, b"{}", "rebuild"),
        (topics.CONTACT_LINK, b"{}", "rebuild"),
        (topics.DEAD_LETTER, b"{}", "nobody takes"),
        ("somebody.elses", b"{}", "nobody takes"),
        (topics.RAW_EVENT, None, "no bytes"),
        (topics.RAW_EVENT, b"", "no bytes"),
    ],
)
def test_what_has_no_way_back_says_why(topic: str, value: bytes | None, why: str) -> None:
    letter = letter_of(Consumed(value, topic, 12), "any")

    said = way_back(letter, Round(letter.round.letter, 1))

    assert isinstance(said, str)
    assert why in said
    assert said == refusal(topic, has_bytes=bool(value))


@pytest.mark.parametrize(
    "headers", [[], [("stage", b"\xff")], [("source_topic", b"raw.event"), ("source_offset", b"x")]]
)
def test_a_letter_that_does_not_say_where_it_came_from_goes_nowhere(headers: Any) -> None:
    letter = Letter.of(Consumed(b"x", topics.DEAD_LETTER, 5, headers=headers))

    assert isinstance(way_back(letter, Round(letter.round.letter, 1)), str)
