from collections import Counter

import msgspec

from bench import backlog
from bench.backlog import KEYS, Sighting, before, expected, ordering_key, raw_event
from streams.normalization import events
from streams.normalization.raw import RawRecord

PARTITIONS = {ordering_key(number): number % 3 for number in range(KEYS)}


def test_what_lies_before_a_record_is_counted_by_partition() -> None:
    for first in (0, 1, KEYS - 1, KEYS, 5_000):
        assert before(first, PARTITIONS) == Counter(PARTITIONS[ordering_key(number)] for number in range(first))


def test_every_record_comes_to_something_in_the_order_of_its_key() -> None:
    found = expected(1_000, 9_000)
    assert sum(map(len, found.values())) == 8_000
    events_of_a_key = [sighting for sighting in found["customer-7"] if sighting.kind == "accepted"]
    assert events_of_a_key == sorted(events_of_a_key)


def test_a_repeated_event_is_a_duplicate_where_its_first_record_is_among_the_others() -> None:
    repeated = next(number for number in range(KEYS, 3 * KEYS) if raw_event(number) == raw_event(number - KEYS))
    first = Sighting(repeated - KEYS, "accepted")
    assert expected(repeated - KEYS, repeated + 1)[ordering_key(repeated)] == [first, first._replace(kind="duplicate")]
    assert expected(repeated, repeated + 1)[ordering_key(repeated)] == [first]


def test_events_have_the_usual_size_and_keep_their_ordering_key() -> None:
    value = raw_event(123_456)
    assert 580 <= len(value) <= 620
    event = events.normalize(value, RawRecord.of("raw.event", 0, 0, 1_768_512_936_000))
    assert event.stream_key == ordering_key(123_456)
    assert msgspec.json.decode(msgspec.json.encode(event), type=_Numbered).payload["number"] == 123_456


class _Numbered(msgspec.Struct):
    payload: dict[str, object]


def test_a_repeated_event_is_repeated_once() -> None:
    numbers = Counter(backlog.event_of(number) for number in range(10 * KEYS))
    assert max(numbers.values()) == 2
