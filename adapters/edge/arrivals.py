"""Arrivals: what is noted about a request on every raw record that it becomes."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from adapters.edge.tracing import Trace
from schemas import headers as names

_JSON: Final = b"application/json"
_LONGEST_TYPE: Final = 255
"""Bytes of a content type that are kept: with the largest body the record must still fit its topic."""


class Arrival:
    """One request, at the moment it was let in. `source` is the path of its route."""

    def __init__(self, source: str, request_headers: Mapping[bytes, bytes]) -> None:
        self._source = source.encode()
        self._content_type = request_headers.get(b"content-type", _JSON)[:_LONGEST_TYPE]
        self._received_at = datetime.now(UTC).isoformat(timespec="microseconds").encode()

    def record_headers(self, raw_id: str, trace: Trace) -> list[tuple[str, bytes]]:
        """The headers of one raw record."""
        headers = [
            (names.RAW_ID, raw_id.encode()),
            (names.RECEIVED_AT, self._received_at),
            (names.SOURCE, self._source),
            (names.CONTENT_TYPE, self._content_type),
            (names.TRACE_ID, trace.trace_id.encode()),
        ]
        if trace.traceparent is not None:
            headers.append((names.TRACEPARENT, trace.traceparent))
        return headers


def new_raw_id() -> str:
    """A random id: 32 hex digits."""
    return os.urandom(16).hex()
