"""EventIn to Event: all of it, or the field that is wrong."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Event
from streams import keys
from streams.normalization import events
from streams.normalization.errors import NormalizationError
from streams.normalization.event_fields import MAX_DEPTH
from streams.normalization.raw import RawRecord
from tests.streams.json_values import json_objects, json_values

RAW = RawRecord.of("raw.event", 1, 7, 1768512935000, [("trace_id", b"from-header")])
RECEIVED_AT = datetime(2026, 1, 15, 21, 35, 35, tzinfo=UTC)
MINIMAL: dict[str, Any] = {"source_system": "erp", "event_type": "order.paid"}
INVOICE: dict[str, Any] = {
    "source_system": "erp",
    "event_type": "billing.invoice.overdue",
    "external_id": "INV-1001",
    "occurrence": "overdue_3d",
    "tenant_id": 1,
    "channel": "Canal Um",
    "occurred_at": "2026-01-15T12:00:00-03:00",
    "payload": {"to": "(47) 99999-0001", "amount": 199.9},
    "metadata": {"run": 42},
    "trace_id": "t-1",
    "correlation_id": "c-1",
    "expires_at": 1768600000,
}


def normalized(body: Mapping[str, Any], raw: RawRecord = RAW) -> Event:
    return events.normalize(json.dumps(body).encode(), raw)


def refused(value: bytes | None) -> NormalizationError:
    with pytest.raises(NormalizationError) as caught:
        events.normalize(value, RAW)
    return caught.value


def test_an_invoice_becomes_an_event_with_all_its_fields() -> None:
    key = "erp|INV-1001|billing.invoice.overdue|overdue_3d"
    event = normalized(INVOICE)
    assert event == Event(
        event_id=keys.event_id(key),
        idempotency_key=key,
        event_type="billing.invoice.overdue",
        source_system="erp",
        stream_key=key,
        fingerprint=event.fingerprint,
        trace_id="t-1",
        occurred_at=datetime(2026, 1, 15, 15, tzinfo=UTC),
        received_at=RECEIVED_AT,
        raw=RAW.coordinates,
        tenant_id=1,
        channel="canalum",
        contact="554799990001",
        conversation_id="canalum:554799990001",
        correlation_id="c-1",
        external_id="INV-1001",
        expires_at=datetime(2026, 1, 16, 21, 46, 40, tzinfo=UTC),
        payload={"to": "(47) 99999-0001", "amount": 199.9},
        metadata={"channel_id": "Canal Um", "run": 42},
    )


def test_the_least_event_gets_its_times_and_its_trace_from_the_record() -> None:
    event = normalized(MINIMAL)
    assert (event.occurred_at, event.received_at, event.trace_id) == (RECEIVED_AT, RECEIVED_AT, "from-header")
    assert (event.payload, event.metadata, event.channel, event.contact) == ({}, {}, None, None)


def test_unknown_fields_of_the_envelope_are_kept_in_metadata() -> None:
    event = normalized(MINIMAL | {"priority": 3, "run": "envelope", "metadata": {"run": "own"}})
    assert event.metadata == {"priority": 3, "run": "own"}


def test_empty_optional_fields_count_as_absent() -> None:
    empty = dict.fromkeys(("external_id", "occurrence", "idempotency_key", "ordering_key", "tenant_id", "channel"), "")
    assert normalized(MINIMAL | empty | {"occurred_at": None, "metadata": None}) == normalized(MINIMAL)


@pytest.mark.parametrize(("written", "read"), [(7, 7), ("7", 7), ("0007", 7), (2**32 - 1, 2**32 - 1)])
def test_a_tenant_is_a_number_or_its_digits(written: Any, read: int) -> None:
    assert normalized(MINIMAL | {"tenant_id": written}).tenant_id == read


def test_numbers_as_ids_are_their_digits() -> None:
    as_numbers = normalized(MINIMAL | {"external_id": 1001, "occurrence": 3})
    assert as_numbers.idempotency_key == "erp|1001|order.paid|3"
    assert as_numbers.external_id == "1001"


def test_the_callers_own_key_wins_and_is_scoped() -> None:
    event = normalized(INVOICE | {"idempotency_key": "mine", "ordering_key": "customer-7"})
    assert (event.idempotency_key, event.stream_key) == ("erp|key:mine|customer-7", "customer-7")


def test_without_an_external_id_the_content_names_the_fact() -> None:
    event = normalized(MINIMAL | {"payload": {"a": 1, "b": 2.0}})
    retried = {"payload": {"b": 2, "a": 1}, "trace_id": "another", "correlation_id": "x", "metadata": {"try": 2}}
    assert normalized(MINIMAL | retried).event_id == event.event_id
    for change in ({"payload": {"a": 1, "b": 3}}, {"tenant_id": 2}, {"occurred_at": 1768512935}):
        assert normalized(MINIMAL | {"payload": {"a": 1, "b": 2}} | change).event_id != event.event_id


def test_the_contact_is_that_of_the_recipient() -> None:
    def contact(**payload: Any) -> str | None:
        return normalized(MINIMAL | {"payload": payload}).contact

    assert contact(to="5547999990001") == contact(phone=47999990001) == "554799990001"
    assert contact(phone_normalized="+55 47 9999-0001") == "554799990001"
    assert contact(to="100000000000001@lid") == "100000000000001@lid"
    assert contact(to="maria@example.com") is contact(to="maria") is contact(to=["5547999990001"]) is None
    assert contact(name="47999990001") is None


@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"to": "(47) 99999-0002", "amount": 199.9}},
        {"tenant_id": 2},
        {"channel": "canaldois"},
        {"expires_at": None},
    ],
)
def test_another_body_under_the_same_key_has_another_fingerprint(change: dict[str, Any]) -> None:
    event, changed = normalized(INVOICE), normalized(INVOICE | change)
    assert changed.idempotency_key == event.idempotency_key
    assert changed.fingerprint != event.fingerprint


def test_what_a_retry_may_change_leaves_the_fingerprint() -> None:
    again = INVOICE | {"trace_id": "t-2", "metadata": {}, "tenant_id": "1", "channel": "CANALUM", "occurred_at": None}
    assert normalized(again).fingerprint == normalized(INVOICE).fingerprint


@pytest.mark.parametrize(
    ("change", "field", "complaint"),
    [
        ({"source_system": None}, "source_system", "is required"),
        ({"source_system": ""}, "source_system", "is required"),
        ({"source_system": 7}, "source_system", "expected str, got int"),
        ({"source_system": "a\x00"}, "source_system", "control characters"),
        ({"source_system": " erp"}, "source_system", "white space"),
        ({"source_system": "x" * 201}, "source_system", "201 characters"),
        ({"event_type": ""}, "event_type", "is required"),
        ({"event_type": "a..b"}, "event_type", "words with dots"),
        ({"event_type": ".a"}, "event_type", "words with dots"),
        ({"event_type": "a.b "}, "event_type", "words with dots"),
        ({"event_type": "a\n.b"}, "event_type", "words with dots"),
        ({"event_type": "x" * 201}, "event_type", "201 characters"),
        ({"event_type": "whatsapp.delivery.ack"}, "event_type", "must not begin with whatsapp."),
        ({"source_system": "wpp_gateway", "event_type": "whatsapp.x"}, "event_type", "must not begin with whatsapp."),
        ({"external_id": 1.5}, "external_id", "expected str or int, got float"),
        ({"external_id": True}, "external_id", "expected str or int, got bool"),
        ({"external_id": {}}, "external_id", "expected str or int, got object"),
        ({"external_id": "x" * 513}, "external_id", "513 characters"),
        ({"idempotency_key": 7}, "idempotency_key", "expected str, got int"),
        ({"external_id": "x" * 500, "occurrence": "y" * 500}, "idempotency_key", "at most 700"),
        ({"tenant_id": 0}, "tenant_id", "from 1"),
        ({"tenant_id": 2**32}, "tenant_id", "from 1"),
        ({"tenant_id": "seven"}, "tenant_id", "expected a whole number, got str"),
        ({"tenant_id": "\u0661"}, "tenant_id", "expected a whole number"),
        ({"tenant_id": True}, "tenant_id", "expected a whole number, got bool"),
        ({"tenant_id": 1.0}, "tenant_id", "expected a whole number, got float"),
        ({"channel": ["canalum"]}, "channel", "expected str, got array"),
        ({"channel": "ß" * 100}, "channel", "more than 100"),
        ({"channel": "a\x07b"}, "channel", "control characters"),
        ({"occurred_at": "soon"}, "occurred_at", "not a time"),
        ({"occurred_at": 5}, "occurred_at", "1970"),
        ({"expires_at": False}, "expires_at", "expected a time, got bool"),
        ({"payload": "text"}, "payload", "expected object, got str"),
        ({"payload": []}, "payload", "expected object, got array"),
        ({"metadata": 1}, "metadata", "expected object, got int"),
        ({"trace_id": "a\nb"}, "trace_id", "control characters"),
        ({"correlation_id": {}}, "correlation_id", "expected str, got object"),
        ({"source_system": "wpp_gateway", "event_type": "message"}, "event_type", "the gateway's own"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], field: str, complaint: str) -> None:
    error = refused(json.dumps(MINIMAL | change).encode())
    assert error.reason == "invalid_field"
    assert [wrong.field for wrong in error.fields] == [field]
    assert field in str(error)
    assert complaint in str(error)


def test_every_wrong_field_is_named() -> None:
    error = refused(b'{"event_type":7,"payload":"text","tenant_id":-1}')
    assert {wrong.field for wrong in error.fields} == {"source_system", "event_type", "payload", "tenant_id"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"garbage", "not_json"),
        (b'{"source_system":"erp","event_type":"a"} x', "not_json"),
        (b'{"source_system":"erp","event_type":"a","payload":{"n":NaN}}', "not_json"),
        (b'{"source_system":"erp","event_type":"a","payload":{"n":1e999}}', "not_json"),
        (b'{"source_system":"erp","event_type":"a","payload":{"n":' + b"9" * 6000 + b"}}", "not_json"),
        (b'{"source_system":"erp","event_type":"\\ud800"}', "not_json"),
        (b'{"source_system":"\xff","event_type":"a"}', "not_utf8"),
        (b'{"source_system":"\xed\xa0\x80","event_type":"a"}', "not_utf8"),
        (b"\x00\x01\x02", "not_json"),
        (b"[1]", "not_object"),
        (b"null", "not_object"),
        (b'"text"', "not_object"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b'{"source_system":"erp","event_type":"a","payload":{"x":"' + b"y" * 1_000_000 + b'"}}', "too_large"),
    ],
)
def test_what_is_no_event_says_why(value: bytes | None, reason: str) -> None:
    assert refused(value).reason == reason


def test_nesting_is_bounded_by_what_the_database_reads() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {} if levels == 1 else {"a": [nested(levels - 2)] if levels > 2 else {}}

    normalized(MINIMAL | {"payload": nested(MAX_DEPTH)})
    for change in ({"payload": nested(MAX_DEPTH + 2)}, {"unknown": nested(MAX_DEPTH + 2)}):
        assert refused(json.dumps(MINIMAL | change).encode()).reason == "invalid_field"


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_bytes_are_an_event_or_an_error(value: bytes) -> None:
    with suppress(NormalizationError):
        events.normalize(value, RAW)


@given(
    st.dictionaries(st.sampled_from(sorted({*INVOICE, "idempotency_key", "ordering_key", "other"})), json_values),
    st.sampled_from([MINIMAL, INVOICE, {}]),
)
def test_any_value_in_any_field_is_an_event_or_an_error_that_names_it(
    changes: dict[str, Any], body: dict[str, Any]
) -> None:
    try:
        event = normalized(body | changes)
    except NormalizationError as error:
        named = {wrong.field for wrong in error.fields}
        event = None
    if event is None:
        assert named <= {*INVOICE, "idempotency_key", "ordering_key"}
        assert named
        return
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


@given(json_objects)
def test_normalizing_is_deterministic_and_deaf_to_the_order_of_keys(payload: dict[str, Any]) -> None:
    body = INVOICE | {"payload": payload}
    event = normalized(body)
    assert normalized(body) == event
    assert normalized(dict(reversed(body.items()))).fingerprint == event.fingerprint
    assert event.stream_key == keys.stream_key(event.idempotency_key)
    assert event.event_id == keys.event_id(event.idempotency_key)
