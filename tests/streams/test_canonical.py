"""One spelling for one JSON value."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import canonical
from tests.streams.json_values import json_values


def test_keys_are_sorted_and_nothing_stands_between_tokens() -> None:
    assert canonical.encode({"b": [1, None, True], "a": "é\n"}) == '{"a":"é\\n","b":[1,null,true]}'.encode()


@pytest.mark.parametrize(("written", "canonically"), [("150.0", b"150"), ("-0.0", b"0"), ("199.90", b"199.9")])
def test_a_number_without_fraction_is_an_integer(written: str, canonically: bytes) -> None:
    assert canonical.encode(json.loads(written)) == canonically
    assert canonical.encode({"deep": [json.loads(written)]}) == b'{"deep":[' + canonically + b"]}"


def test_text_that_looks_like_a_float_stays_text() -> None:
    assert canonical.encode({"version": "1.0", "amount": 1.0}) == b'{"amount":1,"version":"1.0"}'


@given(json_values)
def test_the_canonical_form_reads_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical.encode(value)) == value


@given(json_values, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: Any, random: random.Random) -> None:
    assert canonical.digest(_shuffled(value, random)) == canonical.digest(value)


@given(json_values)
def test_writing_and_reading_again_does_not_matter(value: Any) -> None:
    spread_out = json.dumps(value, indent=2, ensure_ascii=True)
    assert canonical.digest(json.loads(spread_out)) == canonical.digest(value)


@given(json_values, json_values)
def test_different_values_differ(one: Any, other: Any) -> None:
    if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True) and one != other:
        assert canonical.encode(one) != canonical.encode(other)


def _shuffled(value: Any, random: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        random.shuffle(names)
        return {name: _shuffled(value[name], random) for name in names}
    return [_shuffled(item, random) for item in value] if isinstance(value, list) else value
