"""What the edge answers is what the normalizer will find."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.edge import tracing
from adapters.edge.arrivals import Arrival
from adapters.edge.log import Entry
from adapters.edge.problems import ProblemError
from adapters.edge.submissions import Submission, Submitter, items
from schemas.events import Event
from streams.normalization import events
from streams.normalization.errors import NormalizationError
from streams.normalization.raw import RawRecord
from tests.streams.json_values import json_objects, json_values, texts

names = st.sampled_from(["erp", "wpp_gateway", "a|b", "50%", "key:x"]) | texts
ids = st.none() | texts | st.integers(0, 10**6)
bodies = st.fixed_dictionaries(
    {"source_system": names, "event_type": st.sampled_from(["order.paid", "message", "ack"]) | texts},
    optional={
        "external_id": ids,
        "occurrence": ids,
        "idempotency_key": st.none() | texts,
        "ordering_key": st.none() | texts,
        "tenant_id": st.integers(-1, 10) | st.just("7"),
        "channel": st.none() | texts,
        "occurred_at": st.sampled_from([1768512935, "2026-01-15T12:00:00Z", "soon", None]),
        "payload": json_objects,
        "metadata": json_objects,
        "trace_id": st.none() | texts,
        "expires_at": st.sampled_from([1768512935000, "never"]),
        "more": json_values,
    },
)
requests = st.fixed_dictionaries(
    {},
    optional={
        b"traceparent": st.just(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") | st.binary(max_size=60),
        b"x-trace-id": st.sampled_from([b"run-7", b"0af7651916cd43dd8448eb211c80319c"]) | st.binary(max_size=20),
    },
)


def submitted(value: bytes, headers: dict[bytes, bytes], own_key: str | None = None) -> Submission | ProblemError:
    submitter = Submitter(Arrival("/api/events", headers), tracing.from_headers(headers), own_key)
    [verdict] = submitter.submit_all([value])
    return verdict


def normalized(value: bytes, entry: Entry | None = None) -> Event | NormalizationError:
    headers = entry.headers if entry else ()
    try:
        return events.normalize(value, RawRecord.of("raw.event", 0, 0, 1768512935000, headers))
    except NormalizationError as error:
        return error


@given(bodies, requests, st.none() | texts.filter(bool))
def test_the_normalizer_finds_the_ids_that_the_edge_answered(
    body: dict[str, object], headers: dict[bytes, bytes], own_key: str | None
) -> None:
    verdict = submitted(msgspec.json.encode(body), headers, own_key)
    if isinstance(verdict, Submission):
        event = normalized(verdict.entry.value, verdict.entry)
        assert isinstance(event, Event)
        assert (event.event_id, event.trace_id, event.idempotency_key) == verdict[:3]
        assert event.stream_key.encode() == verdict.entry.key


@given(bodies | json_values)
def test_the_edge_refuses_what_the_normalizer_would_and_for_the_same_reasons(body: object) -> None:
    value = msgspec.json.encode(body)
    verdict, found = submitted(value, {}), normalized(value)
    assert isinstance(verdict, ProblemError) == isinstance(found, NormalizationError)
    if isinstance(verdict, ProblemError) and isinstance(found, NormalizationError):
        assert [(one.field, one.message) for one in verdict.errors] == [
            (one.field, one.message) for one in found.fields
        ]


@given(st.lists(json_values, max_size=5), st.sampled_from([b"", b" ", b"\n", b"\r\n\t"]))
def test_the_items_of_an_array_are_its_bytes(values: list[object], space: bytes) -> None:
    encoded = [msgspec.json.encode(value) for value in values]
    array = space + b"[" + (space + b"," + space).join(encoded) + b"]" + space
    assert items(array, is_ndjson=False) == encoded


@given(st.lists(json_values, max_size=5), st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
def test_the_items_of_ndjson_are_its_lines(values: list[object], newline: bytes) -> None:
    encoded = [msgspec.json.encode(value) for value in values]
    assert items(newline.join(encoded) + newline, is_ndjson=True) == encoded
