"""Where the record of a dead letter goes when it is redriven: back to where it was read, as what it was."""

from typing import Final, NamedTuple

import msgspec

from schemas import headers as names
from schemas.events import Coordinates
from streams import topics
from streams.letters import Letter, Round, origin_of
from streams.normalization.raw import RawRecord

Headers = list[tuple[str, bytes]]

_REBUILD: Final = (
    "the record lies in its topic all the same, and what failed is its row in MySQL: mend the cause and rebuild the "
    "tables (docs/operations.md)"
)
_TAKEN_BACK: Final = frozenset(
    {
        *topics.RAW,
        topics.EVENT_NORMALIZED,
        topics.COMMAND_OUTBOUND,
        topics.COMMAND_HTTP,
        topics.COMMAND_MEDIA,
        topics.COMMAND_LOOKUP,
        topics.DELIVERY_EVIDENCE,
    }
)
"""What stands in these may come again: whoever takes it knows an event, a command or an evidence for the same."""
_LOST_ROWS: Final = frozenset(
    {
        topics.EVENT_ACCEPTED,
        topics.DELIVERY_STATUS,
        topics.HTTP_STATUS,
        topics.CONTACT_LINK,
        topics.CONVERSATION_CHANGE,
        topics.AUDIT_CHANGE,
        topics.OPS_ALARM,
    }
)
_OF_THE_LETTER: Final = frozenset(
    {
        names.STAGE,
        names.ERROR_CLASS,
        names.ERROR_MESSAGE,
        names.SOURCE_TOPIC,
        names.SOURCE_PARTITION,
        names.SOURCE_OFFSET,
        names.SOURCE_TIMESTAMP,
        names.SOURCE_KEY,
        names.ORIGIN,
        names.REDRIVE,
    }
)


class Way(NamedTuple):
    """A record to be written: in which partition, and what."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: Headers


def refusal(source_topic: str, *, has_bytes: bool) -> str | None:
    """Why a letter cannot be redriven; None where it can."""
    if source_topic in _LOST_ROWS:
        return _REBUILD
    if source_topic not in _TAKEN_BACK:
        return f"nobody takes records from {source_topic} again"
    if not has_bytes:
        return "it holds no bytes: they were gone when it died, or there never were any"
    return None


def way_back(letter: Letter, to: Round) -> Way | str:
    """The record that begins a round of a letter, or why there is none.

    It has the bytes and the headers that it had, in the partition where it lay. What came from a raw topic keeps its
    first place, ids and time of reception; so whoever reads it makes of it what would have been made then.
    """
    value, source = letter.record.value, letter.round.letter.source
    why_not = refusal(source.topic, has_bytes=bool(value))
    if why_not is not None or not value:
        return why_not or ""
    known = dict(letter.record.headers)
    kept = {name: text for name, text in known.items() if name not in _OF_THE_LETTER}
    origin = source
    key = known.get(names.SOURCE_KEY)
    if source.topic in topics.RAW:
        origin = origin_of(source, letter.headers.get(names.ORIGIN, ""))
        first = RawRecord(origin, _written_at(letter), known)
        kept[names.RECEIVED_AT] = first.received_at.isoformat().encode()
    elif source.topic == topics.EVENT_NORMALIZED:
        event = _event(value)
        origin = event.raw or source
        key = key or (event.stream_key.encode() if event.stream_key else None)
    said = {names.ORIGIN: str(origin).encode(), names.REDRIVE: str(to).encode()}
    return Way(source.topic, source.partition, key, value, [*kept.items(), *said.items()])


def _written_at(letter: Letter) -> int:
    """The first record's own time, in milliseconds; a letter of before that was told lies right behind it."""
    told = letter.headers.get(names.SOURCE_TIMESTAMP, "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) <= 15 else letter.record.timestamp


class _Event(msgspec.Struct):
    """What of an event says where it came from and where it belongs."""

    raw: Coordinates | None = None
    stream_key: str | None = None


_decode_event: Final = msgspec.json.Decoder(_Event).decode


def _event(value: bytes) -> _Event:
    try:
        return _decode_event(value)
    except (ValueError, RecursionError):
        return _Event()
