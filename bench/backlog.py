"""What the stages are given to work off: events that can be counted, in an order that can be checked."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

KEYS: Final = 2_003
"""So many ordering keys take turns: a prime, so that each has its share of the repeated events."""
_REPEATED: Final = 20
"""Every so many-th record tells once more what the one before it under its ordering key told."""

_encode: Final = msgspec.json.Encoder().encode


class Sighting(NamedTuple):
    """What comes of one record: its event's number, and what the router has to find it to be."""

    number: int
    kind: str


def ordering_key(number: int) -> str:
    """The ordering key of the number-th record, which is its stream key too."""
    return f"customer-{number % KEYS}"


def event_of(number: int) -> int:
    """The number of the event that the number-th record tells."""
    return number - KEYS if number % _REPEATED == _REPEATED - 1 and number >= KEYS else number


def raw_event(number: int) -> bytes:
    """The value of the number-th record on `raw.event`, 600 bytes."""
    told = event_of(number)
    body = {
        "source_system": "bench",
        "event_type": "bench.event.recorded",
        "external_id": f"bench-{told}",
        "ordering_key": ordering_key(number),
        "occurred_at": "2026-01-15T12:00:00Z",
        "payload": {"number": told, "name": "Ana", "amount": 1234.56, "filler": "x" * 380},
    }
    return _encode(body)


def expected(first: int, end: int) -> dict[str, list[Sighting]]:
    """What comes of the records from `first` to before `end`, by stream key, where nothing was seen before."""
    found: defaultdict[str, list[Sighting]] = defaultdict(list)
    for number in range(first, end):
        told = event_of(number)
        kind = "duplicate" if first <= told < number else "accepted"
        found[ordering_key(number)].append(Sighting(told, kind))
    return found


def before(first: int, partitions: Mapping[str, int]) -> Counter[int]:
    """How many records lie before the `first`-th in each partition, given where the ordering keys lie."""
    counts: Counter[int] = Counter()
    for number in range(KEYS):
        counts[partitions[ordering_key(number)]] += max(0, (first - number + KEYS - 1) // KEYS)
    return counts
