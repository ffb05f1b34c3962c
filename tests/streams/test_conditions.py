from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conditions import ConditionError, compile_condition
from streams.paths import Fields
from tests.streams.json_values import json_objects
from tests.streams.json_values import json_values as any_json
from tests.streams.samples import event

PAYLOAD: dict[str, Any] = {
    "amount": 150.5,
    "count": 3,
    "paid": False,
    "note": None,
    "text": "Segue o boleto",
    "customer": {"state": "SC", "tags": ["vip", "novo"]},
    "invoices": [{"amount": 10}, {"amount": 20}],
    "channel": "payload-channel",
}


def holds(spec: Any, **fields: Any) -> bool:
    sample = event(payload=PAYLOAD, tenant_id=7, channel="canalum", metadata={"origin": "cron"}, **fields)
    return compile_condition(spec)(Fields(sample))


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"tenant_id": 7},
        {"payload.amount": 150.5},
        {"amount": 150.5},
        {"metadata.origin": "cron"},
        {"payload.customer.state": {"$eq": "SC"}},
        {"customer.tags.1": "novo"},
        {"invoices.1.amount": 20},
        {"channel": "canalum"},
        {"payload.channel": "payload-channel"},
        {"raw": {"$exists": False}},
        {"amount": {"$gt": 150, "$lt": 151}},
        {"amount": {"$gte": 150.5, "$lte": 150.5}},
        {"customer.state": {"$gt": "RS"}},
        {"customer.state": {"$in": ["PR", "SC"]}},
        {"count": {"$in": [1, 3.0, "x"]}},
        {"customer.state": {"$nin": ["PR", "RS"]}},
        {"count": {"$ne": 4}},
        {"customer": {"$eq": {"state": "SC", "tags": ["vip", "novo"]}}},
        {"customer.tags": ["vip", "novo"]},
        {"amount": {"$exists": True}},
        {"absent": {"$exists": False}},
        {"note": {"$exists": False}},
        {"note": None},
        {"absent": None},
        {"absent.deeper": None},
        {"text": {"$startsWith": "Segue"}},
        {"text": {"$regex": "(?i)BOLETO$"}},
        {"text": {"$not": {"$regex": "pix"}}},
        {"absent": {"$nin": ["a"], "$ne": "a"}},
        {"$and": [{"count": 3}, {"paid": False}]},
        {"$or": [{"count": 4}, {"count": 3}]},
        {"$not": {"count": 4}},
        {"$or": [{"$and": [{"count": 3}, {"$not": {"paid": True}}]}, {"count": 9}], "tenant_id": {"$in": [7]}},
        {"received_at": {"$gte": "2026-01-15T12:00:00-03:00", "$lt": "2026-01-15T15:00:01Z"}},
        {"expires_at": None},
    ],
)
def test_holds(spec: Any) -> None:
    assert holds(spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"tenant_id": 8},
        {"tenant_id": 7, "count": 4},
        {"amount": {"$gt": 150, "$lt": 150.2}},
        {"invoices.2.amount": 20},
        {"invoices.-1.amount": 20},
        {"customer.state.0": "S"},
        {"amount": {"$exists": False}},
        {"$and": [{"count": 3}, {"paid": True}]},
        {"$or": [{"count": 4}, {"paid": True}]},
        {"$not": {"count": 3}},
        {"customer.tags": ["novo", "vip"]},
        {"received_at": {"$lt": "2026-01-15T15:00:00Z"}},
        {"expires_at": {"$gt": "2026-01-15T15:00:00Z"}},
        {"text": {"$regex": "^boleto"}},
        {"text": {"$startsWith": "segue"}},
    ],
)
def test_does_not_hold(spec: Any) -> None:
    assert not holds(spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"paid": 0},
        {"count": True},
        {"count": "3"},
        {"count": {"$in": ["3", True]}},
        {"amount": {"$gt": "1"}},
        {"text": {"$gt": 1}},
        {"paid": {"$lt": 1}},
        {"customer": {"$gt": 1}},
        {"absent": {"$gt": 0}},
        {"absent": {"$lt": 0}},
        {"count": {"$startsWith": "3"}},
        {"customer": {"$regex": "SC"}},
        {"invoices": [{"amount": 10}, {"amount": True}]},
        {"amount": {"$lt": "2026-01-15"}},
    ],
)
def test_values_of_different_kinds_never_match(spec: Any) -> None:
    assert not holds(spec)


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ([], "conditions"),
        ("x", "conditions"),
        ({"amount": {"$bigger": 1}}, "conditions.amount.$bigger"),
        ({"amount": {"$gt": 1, "other": 2}}, "conditions.amount"),
        ({"amount": {}}, "conditions.amount"),
        ({"customer": {"state": "SC"}}, "conditions.customer"),
        ({"$xor": []}, "conditions.$xor"),
        ({"$and": {}}, "conditions.$and"),
        ({"$or": []}, "conditions.$or"),
        ({"$or": [{"a": 1}, {"b": {"$in": 5}}]}, "conditions.$or[1].b.$in"),
        ({"$not": []}, "conditions.$not"),
        ({"a": {"$not": 5}}, "conditions.a.$not"),
        ({"a": {"$not": {"$gt": None}}}, "conditions.a.$not.$gt"),
        ({"a": {"$exists": 1}}, "conditions.a.$exists"),
        ({"a": {"$startsWith": 1}}, "conditions.a.$startsWith"),
        ({"a": {"$regex": "("}}, "conditions.a.$regex"),
        ({"a": {"$regex": "(a+)+$"}}, "conditions.a.$regex"),
        ({"a": {"$gt": [1]}}, "conditions.a.$gt"),
        ({"a..b": 1}, "conditions.a..b"),
        ({"": 1}, "conditions."),
        ({"received_at": {"$gt": "yesterday"}}, "conditions.received_at.$gt"),
    ],
)
def test_a_wrong_condition_says_where(spec: Any, where: str) -> None:
    with pytest.raises(ConditionError) as failure:
        compile_condition(spec)
    assert str(failure.value).startswith(f"{where}: ")


def test_nesting_is_bounded() -> None:
    logical: Any = {"a": 1}
    operators: Any = {"$eq": 1}
    for _ in range(50):
        logical = {"$not": logical}
        operators = {"$not": operators}
    with pytest.raises(ConditionError, match="deep"):
        compile_condition(logical)
    with pytest.raises(ConditionError, match="deep"):
        compile_condition({"a": operators})


def test_a_deep_payload_is_compared_without_harm() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    condition = compile_condition({"payload": {"$eq": {"x": [[1]]}}, "payload.x.0.0": {"$ne": 2}})
    assert not condition(Fields(event(payload={"x": deep})))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(["a", "payload", "payload.a", "a.b", "a.0", "metadata.c", "tenant_id", "occurred_at", "b.c.a"])
operands = json_values | st.just("2026-01-15T15:00:00Z")
tests = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), operands),
        **{name: st.lists(operands, max_size=3) for name in ("$in", "$nin")},
        "$exists": st.booleans(),
        "$startsWith": st.text(max_size=3),
        "$regex": st.text(alphabet="ab.*+?()[]|^$\\d", max_size=8),
    },
)
specs = st.recursive(
    st.dictionaries(paths, tests | operands, max_size=3),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "$and": st.lists(inner, max_size=2),
            "$or": st.lists(inner, max_size=2),
            "$not": inner,
        },
    ),
    max_leaves=4,
)


times = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    spec=specs,
    payload=st.dictionaries(st.sampled_from("abc"), json_values),
    tenant=st.none() | st.integers(),
    occurred_at=times,
    expires_at=st.none() | times,
)
def test_evaluation_never_raises(
    spec: Any, payload: dict[str, Any], tenant: int | None, occurred_at: datetime, expires_at: datetime | None
) -> None:
    try:
        condition = compile_condition(spec)
    except ConditionError:
        return
    subject = event(payload=payload, tenant_id=tenant, occurred_at=occurred_at, expires_at=expires_at)
    assert condition(Fields(subject)) in {True, False}


@given(spec=any_json, payload=json_objects)
def test_whatever_is_written_as_a_condition_compiles_or_says_where_it_is_wrong(
    spec: Any, payload: dict[str, Any]
) -> None:
    try:
        said: Any = compile_condition(spec)(Fields(event(payload=payload)))
    except ConditionError as error:
        said = error.where.partition(".")[0]
    assert said in {True, False, "conditions"}


@pytest.mark.parametrize(
    ("spec", "is_met"),
    [
        ({"amount": {"$gt": 10**400}}, False),
        ({"amount": {"$lt": 10**400}}, True),
        ({"big": {"$gt": 1e308}}, True),
        ({"big": {"$eq": 1e308}}, False),
        ({"cents": 0.3}, False),
        ({"cents": {"$gte": 0.3}}, True),
        ({"sum": 3}, True),
        ({"sum": {"$in": [2, 3]}}, True),
        ({"due": {"$lt": "2026-01-16"}}, True),
        ({"due": {"$gte": "2026-01-15T00:00:00Z"}}, False),
        ({"deep": {"$eq": {"a": {"b": [1, {"c": None}]}}}}, True),
        ({"deep.a.b.1.c": {"$exists": False}}, True),
        ({"deep.a.b.1": {"$exists": True}}, True),
        ({"deep.a.b.9.c": {"$nin": [1]}}, True),
        ({"deep": {"$ne": {"a": {"b": [1, {"c": 0}]}}}}, True),
    ],
)
def test_numbers_days_and_depths(spec: Any, is_met: bool) -> None:
    payload = {
        "amount": 1,
        "big": 10**309,
        "cents": 0.1 + 0.2,
        "sum": 3.0,
        "due": "2026-01-15",
        "deep": {"a": {"b": [1, {"c": None}]}},
    }
    assert compile_condition(spec)(Fields(event(payload=payload))) is is_met


@given(value=json_values, wanted=json_values)
def test_equality_is_that_of_json(value: Any, wanted: Any) -> None:
    equal = compile_condition({"payload.a": {"$eq": wanted}})
    unequal = compile_condition({"payload.a": {"$ne": wanted}})
    fields = Fields(event(payload={"a": value}))
    assert equal(fields) is (_canonical(value) == _canonical(wanted))
    assert unequal(fields) is not equal(fields)


def _canonical(value: Any) -> Any:
    """The value with its kinds written out, so that Python's own equality cannot mix them up."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", [_canonical(item) for item in value])
    if isinstance(value, dict):
        return ("dict", {key: _canonical(item) for key, item in value.items()})
    return value


def test_a_time_without_an_offset_is_utc() -> None:
    spec = {"occurred_at": "2026-01-15T15:00:00"}
    assert holds(spec, occurred_at=datetime(2026, 1, 15, 15, tzinfo=UTC))
