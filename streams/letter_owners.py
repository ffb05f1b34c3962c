"""Whose a dead letter is: the trace, the channel and the tenant that it tells, however broken it is."""

from typing import Any, Final, NamedTuple

import msgspec

from schemas import headers as names
from streams import identity, topics
from streams.letters import Letter
from streams.normalization.raw import RawRecord, cheap_channel

_LARGEST_LOOK: Final = 1_100_000  # bytes of a value that is decoded for its channel and tenant
_MOST_TENANT: Final = 2**32 - 1


class Owner(NamedTuple):
    """Whose a letter is, as far as it tells."""

    trace_id: str | None
    channel: str | None
    tenant_id: int | None


class _Body(msgspec.Struct):
    """What the values of most topics say alike."""

    channel: Any = None
    tenant_id: Any = None
    trace_id: Any = None


_decode_body: Final = msgspec.json.Decoder(_Body).decode


def of(letter: Letter) -> Owner:
    """What the headers of a letter, and the bytes that could not be processed, say of it."""
    value, source = letter.record.value or b"", letter.round.letter.source
    body = _Body() if source.topic == topics.RAW_WEBHOOK else _body(value)
    trace_id = letter.headers.get(names.TRACE_ID)
    if source.topic in topics.RAW:
        raw = RawRecord(source, letter.record.timestamp, dict(letter.record.headers))
        trace_id = body.trace_id if isinstance(body.trace_id, str) and body.trace_id else raw.trace_id
    channel = cheap_channel(value) if source.topic == topics.RAW_WEBHOOK else _channel(body.channel)
    return Owner(trace_id, channel, _tenant(body.tenant_id) or _tenant(letter.headers.get(names.TENANT_ID)))


def _body(value: bytes) -> _Body:
    try:
        return _decode_body(value) if len(value) <= _LARGEST_LOOK else _Body()
    except (ValueError, RecursionError):
        return _Body()


def _channel(told: Any) -> str | None:
    return identity.canonical_channel(told) or None if isinstance(told, str) else None


def _tenant(told: Any) -> int | None:
    if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) <= 10:
        told = int(told)
    return told if type(told) is int and 0 < told <= _MOST_TENANT else None
