"""Rows: how an entry lies in the spool, with a checksum over all of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from adapters.edge.log import AROUND_A_VALUE, Entry

_encode = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


class Row(NamedTuple):
    """One row as it was read; `entry` is None where the checksum does not fit what lies there."""

    seq: int
    kept_at: float
    entry: Entry | None
    size: int


def row(seq: int, kept_at: float, entry: Entry) -> tuple[Any, ...]:
    """The columns of an entry that was kept at `kept_at` (seconds since 1970)."""
    kept_at = float(kept_at)  # as the column gives it back
    headers = _encode(entry.headers)
    crc = _checksum(seq, kept_at, entry.topic, entry.key, headers, entry.value)
    return seq, kept_at, crc, entry.topic, entry.key, headers, entry.value


def read(columns: Sequence[Any]) -> Row:
    """The row of its columns, whatever they have become."""
    seq, kept_at, crc, topic, key, headers, value = columns
    size = (len(value) if isinstance(value, bytes) else 0) + AROUND_A_VALUE
    try:
        text = topic.decode()
        if _checksum(seq, kept_at, text, key, headers, value) != crc:
            return Row(seq, kept_at, None, size)
        return Row(seq, kept_at, Entry(text, key, value, _decode_headers(headers)), size)
    except (AttributeError, TypeError, ValueError):
        return Row(seq, kept_at, None, size)


def _checksum(seq: int, kept_at: float, topic: str, key: bytes | None, headers: bytes, value: bytes) -> int:
    return crc32(value, crc32(_encode((seq, kept_at, topic, key, headers))))
