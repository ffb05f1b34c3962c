"""The JSON Schema of an event and the code that checks events say the same."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.events import EventIn
from streams import keys
from streams.normalization.errors import NormalizationError
from streams.normalization.event_fields import FIELDS, MAX_DEPTH
from streams.normalization.event_in import check
from streams.normalization.event_schema import event_schema
from tests.streams.json_values import json_objects, json_values, small_json_values, texts
from tests.streams.normalization.test_events import INVOICE, MINIMAL
from tests.support.properties import examples

SCHEMA = event_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

plain = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
"""Texts of which schema and code must think the same."""
words = st.lists(st.text("abz019_-", min_size=1, max_size=4), min_size=1, max_size=3).map(".".join)
ids: st.SearchStrategy[Any] = (
    plain | st.integers(-(2**63), 2**64 - 1) | st.sampled_from([None, "", "x" * 512, "x" * 513, True, 1.5, [], {}])
)
times: st.SearchStrategy[Any] = (
    st.integers(631_152_000, 4_417_977_600).map(lambda second: datetime.fromtimestamp(second, UTC).isoformat())
    | st.integers(900_000_000, 4_200_000_000)
    | st.integers(900_000_000_000, 4_200_000_000_000)
    | st.sampled_from(["2026-01-15", " 1768512935.5 ", "yesterday", "", None, -1, 1e300, True, {}, "x2026-01-15"])
)
nested = json_objects | st.integers(1, MAX_DEPTH + 2).map(lambda levels: _nest(levels))
traces = plain | st.sampled_from([None, "", "x" * 128, "x" * 129, "a\nb", "a\x7f", 7])
bodies = st.fixed_dictionaries(
    {
        "source_system": plain
        | st.sampled_from(["erp", keys.GATEWAY, "", None, "a\tb", " a", "a ", "x" * 200, "x" * 201, 7]),
        "event_type": words
        | plain
        | st.sampled_from(["message", "unknown.x", "a..b", ".a", "a.", "whatsapp.x", "", 7]),
    },
    optional={
        "external_id": ids,
        "occurrence": ids,
        "idempotency_key": traces,
        "ordering_key": traces,
        "tenant_id": st.sampled_from([1, "0007", 2**32 - 1, 2**32, 0, "0", "", -1, "-1", "x1", None, True, 1.5, []]),
        "channel": plain | st.sampled_from(["Canal Um", "  ", None, "x" * 100, "x" * 101, 5]),
        "occurred_at": times,
        "payload": nested | st.sampled_from([None, "", [], "x", 5]),
        "metadata": nested | st.sampled_from([None, "", [], "x", 5]),
        "trace_id": traces,
        "correlation_id": traces,
        "expires_at": times,
    },
)


def _nest(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for level in range(levels - 1):
        value = {"inside": [value] if level % 2 and level < levels - 2 else value}
    return value


def is_taken(body: dict[str, Any]) -> bool:
    try:
        check(body)
    except NormalizationError as error:
        return len(error.fields) == 1 and "with its parts" in error.fields[0].message  # named by the schema's comment
    return True


def test_the_schema_is_one_of_2020_12_and_has_the_fields_of_the_type() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert list(FIELDS) == list(SCHEMA["properties"]) == list(EventIn.__struct_fields__)
    required = [field.name for field in msgspec.structs.fields(EventIn) if field.required]
    assert SCHEMA["required"] == required


@examples(300)
@given(bodies)
@example(INVOICE)
@example(MINIMAL)
@example({"source_system": keys.GATEWAY, "event_type": "message"})
@example({"source_system": keys.GATEWAY, "event_type": "unknown."})
@example(MINIMAL | {"payload": _nest(MAX_DEPTH)})
@example(MINIMAL | {"payload": _nest(MAX_DEPTH + 1)})
@example(MINIMAL | {"more": _nest(MAX_DEPTH - 1)})
@example(MINIMAL | {"more": _nest(MAX_DEPTH)})
def test_the_schema_takes_what_the_hub_takes_and_nothing_else(body: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(body) == is_taken(body), [error.message for error in VALIDATOR.iter_errors(body)]


anything = st.dictionaries(st.sampled_from([*FIELDS, "more"]), small_json_values | texts, max_size=5)


@examples(200)
@given(anything, words, st.dictionaries(texts, json_values, max_size=2))
def test_what_the_hub_takes_is_valid_whatever_is_in_it(fields: dict[str, Any], name: str, more: dict[str, Any]) -> None:
    body = {**more, "source_system": name, "event_type": name, **fields}
    if is_taken(body):
        VALIDATOR.validate(body)


@pytest.mark.parametrize("field", ["source_system", "event_type"])
def test_a_required_field_is_missed(field: str) -> None:
    body = {name: value for name, value in MINIMAL.items() if name != field}
    assert [error.message for error in VALIDATOR.iter_errors(body)] == [f"'{field}' is a required property"]
