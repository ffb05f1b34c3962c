"""Submissions: the body of `POST /api/events` taken apart into events, each kept or refused on its own."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from adapters.edge import tracing
from adapters.edge.arrivals import Arrival, new_raw_id
from adapters.edge.log import Entry
from adapters.edge.problems import INVALID, MALFORMED, TOO_LARGE, ProblemError
from schemas.api import WrongField
from streams import keys, topics
from streams.normalization.decoding import decode_object
from streams.normalization.errors import NormalizationError
from streams.normalization.event_in import check
from streams.normalization.events import MAX_BYTES

_OWN_KEY: Final = "idempotency_key"
_INVALID_REASONS: Final = frozenset({"not_object", "invalid_field"})
_is_array = re.compile(rb"\s*\[").match
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Submission(NamedTuple):
    """An event that can be kept, with the record that keeps it."""

    event_id: str
    trace_id: str
    idempotency_key: str
    entry: Entry


class Submitter:
    """Makes submissions of the events of one request."""

    def __init__(self, arrival: Arrival, trace: tracing.Trace | None, own_key: str | None) -> None:
        """`trace` is the request's own, `own_key` its `Idempotency-Key`."""
        self._arrival = arrival
        self._trace = trace
        self._own_key = own_key

    def submit(self, value: bytes) -> Submission:
        """Check one EventIn. Its bytes are kept as they are, but for a key from the request's header.

        Key and ids come from the very functions by which the normalizer makes them. ProblemError says what is wrong.
        """
        try:
            body = decode_object(value)
            if self._own_key is not None:
                value = self._with_own_key(value, body)
            event = check(body)
        except NormalizationError as error:
            kind = INVALID if error.reason in _INVALID_REASONS else MALFORMED
            fields = (WrongField(field=wrong.field, message=wrong.message) for wrong in error.fields)
            said = str(error) if error.fields else _capitalized(str(error))  # a field's name stays as it is
            raise ProblemError(kind, f"{said}.", errors=fields) from None
        if len(value) > MAX_BYTES:
            detail = f"One event may have {MAX_BYTES} bytes; this one has {len(value)}."
            raise ProblemError(TOO_LARGE, detail, limit=MAX_BYTES)
        trace = tracing.of(event.trace_id) if event.trace_id else self._trace or tracing.made()
        key = event.idempotency_key
        record_headers = self._arrival.record_headers(new_raw_id(), trace)
        entry = Entry(topics.RAW_EVENT, keys.stream_key(key).encode(), value, record_headers)
        return Submission(keys.event_id(key), trace.trace_id, key, entry)

    def submit_all(self, values: Sequence[bytes]) -> list[Submission | ProblemError]:
        """Check every item of a batch; each gets its own verdict."""
        return [self._verdict(value) for value in values]

    def _verdict(self, value: bytes) -> Submission | ProblemError:
        try:
            return self.submit(value)
        except ProblemError as problem:
            return problem

    def _with_own_key(self, value: bytes, body: dict[str, object]) -> bytes:
        inside = body.get(_OWN_KEY)
        if inside == self._own_key:
            return value
        if inside not in (None, ""):
            wrong = WrongField(field=_OWN_KEY, message="differs from the Idempotency-Key header")
            raise ProblemError(INVALID, "Body and header give different idempotency keys.", errors=[wrong])
        body[_OWN_KEY] = self._own_key
        members = _members(value)
        members[_OWN_KEY] = msgspec.Raw(msgspec.json.encode(self._own_key))
        return msgspec.json.encode(members)


def items(body: bytes, is_ndjson: bool) -> list[bytes] | None:
    """The events of a batch, byte for byte: the elements of an array, the lines of NDJSON. None for a single event.

    ProblemError where the array as a whole is no JSON.
    """
    if is_ndjson:
        return [stripped for line in body.split(b"\n") if (stripped := line.strip())]
    if not _is_array(body):
        return None
    try:
        return [bytes(item) for item in _split(body)]
    except RecursionError:
        raise ProblemError(MALFORMED, "The body is nested too deeply.") from None
    except msgspec.DecodeError as error:
        raise ProblemError(MALFORMED, f"The body is not JSON: {error}.") from None


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
