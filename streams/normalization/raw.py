"""A raw record: where it lies, when it came, and a cheap look at its channel."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Self

import msgspec

from schemas import headers
from schemas.events import Coordinates
from streams import identity, keys, letters, timestamps

_HEAD_BYTES: Final = 4096
_CHANNEL: Final = re.compile(
    rb'"(?:session(?:Id)?|channel(?:_?[iI]d)?)"\s*:\s*'
    rb'(?:"((?:[^"\\]|\\.){1,200})"|\{[^{}]{0,400}?"(?:id|session)"\s*:\s*"((?:[^"\\]|\\.){1,200})")'
)
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.DOTALL)
_NO_TRACE: Final = b"0" * 32
_LONGEST_TRACE_ID: Final = 128
_LONGEST_TIME: Final = 64


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """What stands around a record's value. `timestamp_ms` is Kafka's, in milliseconds since 1970.

    `redrive` is the header of that name, of a record that surely is redriven.
    """

    coordinates: Coordinates
    timestamp_ms: int
    headers: Mapping[str, bytes] = {}
    redrive: bytes | None = None

    @property
    def origin(self) -> bytes | None:
        """The header `origin` of the events of a redriven record."""
        return None if self.redrive is None else str(self.coordinates).encode()

    @classmethod
    def of(
        cls, topic: str, partition: int, offset: int, timestamp_ms: int, header_items: Iterable[tuple[str, bytes]] = ()
    ) -> Self:
        """Build from the parts of a consumed record; of a repeated header the last one counts.

        The coordinates of a redriven record are those of the first one: so it makes the same ids and the same keys.
        """
        known = dict(header_items)
        place = Coordinates(topic, partition, offset)
        if headers.REDRIVE not in known:
            return cls(place, timestamp_ms, known)
        first = letters.first_place(place, known)
        return cls(first, timestamp_ms, known, known[headers.REDRIVE] if first != place else None)

    @property
    def timestamp(self) -> datetime:
        """The record's own time, in UTC."""
        return timestamps.from_milliseconds(self.timestamp_ms)

    @property
    def raw_id(self) -> str:
        """The edge's id of the body, else the coordinates."""
        return self._text(headers.RAW_ID) or str(self.coordinates)

    @property
    def received_at(self) -> datetime:
        """When the hub first had it: the edge's time, else the record's. This is "now" for all pure logic."""
        told = self.headers.get(headers.RECEIVED_AT)
        try:
            return timestamps.parse(told.decode()) if told and len(told) <= _LONGEST_TIME else self.timestamp
        except ValueError:
            return self.timestamp

    @property
    def caller_trace_id(self) -> str | None:
        """The trace id in the headers: that of `traceparent`, else `trace_id`."""
        parent = self.headers.get(headers.TRACEPARENT)
        if parent and (match := _TRACEPARENT.fullmatch(parent)) and match[1] != _NO_TRACE:
            return match[1].decode()
        return self._text(headers.TRACE_ID)

    @property
    def trace_id(self) -> str:
        """The caller's trace id, else one made from the coordinates, the same at every reading."""
        return self.caller_trace_id or keys.hashed(str(self.coordinates)).hex()

    def _text(self, name: str) -> str | None:
        value = self.headers.get(name)
        if not value or len(value) > _LONGEST_TRACE_ID:
            return None
        text = value.decode("utf-8", "replace").strip()
        return text if text.isprintable() and text else None


def cheap_channel(body: bytes) -> str | None:
    """The canonical channel of a webhook by a bounded look at its head, for the key of `raw.webhook`.

    It decides only the partition: a miss or a wrong hit costs order inside the raw topic, nothing else.
    """
    match = _CHANNEL.search(body, 0, _HEAD_BYTES)
    if match is None:
        return None
    found = match[1] or match[2]
    try:
        spelled = msgspec.json.decode(b'"%b"' % found, type=str) if b"\\" in found else found.decode()
    except ValueError:
        return None
    return identity.canonical_channel(spelled) or None
