"""Trace ids: the caller's where it gave one, else made here."""

import os
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

TRACE_ID: Final = "posto.trace_id"
"""Where a request's scope keeps its trace id, for problem documents and the access log."""

_TRACEPARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]{0,200})?"
)
_W3C: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")
_LONGEST: Final = 128


class Trace(NamedTuple):
    """A trace id, with the W3C header that names the same where the id is of that form."""

    trace_id: str
    traceparent: bytes | None


def from_headers(headers: Mapping[bytes, bytes]) -> Trace | None:
    """The trace of `traceparent`, else of `X-Trace-Id`; None where the caller gave no usable one."""
    traceparent = headers.get(b"traceparent")
    if traceparent and (match := _TRACEPARENT.fullmatch(traceparent)):
        return Trace(match[1].decode(), traceparent)
    given = headers.get(b"x-trace-id")
    return named(given.decode("utf-8", "replace")) if given else None


def named(trace_id: object) -> Trace | None:
    """The trace that a body or a header names; None unless it is printable text of at most 128 bytes."""
    if not isinstance(trace_id, str):
        return None
    name = trace_id.strip()
    if not name or not name.isprintable() or len(name.encode()) > _LONGEST:
        return None
    return of(name)


def made() -> Trace:
    """A new trace."""
    drawn = os.urandom(24).hex()
    return Trace(drawn[:32], f"00-{drawn[:32]}-{drawn[32:]}-00".encode())


def of(trace_id: str) -> Trace:
    """The trace of an id that is known to be usable."""
    if not _W3C.fullmatch(trace_id):
        return Trace(trace_id, None)
    return Trace(trace_id, f"00-{trace_id}-{os.urandom(8).hex()}-00".encode())
