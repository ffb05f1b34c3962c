from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration import Rule
from schemas.events import Action
from streams.conditions import compile_condition, demands
from streams.paths import Fields
from streams.shelf import Entry, Shelf
from tests.streams.samples import event

values = st.sampled_from([None, True, False, 0, 1, 1.0, 2, "", "1", "x", [1], {"a": 1}])
tests = (
    values.filter(lambda value: not isinstance(value, dict))
    | st.builds(lambda value: {"$eq": value}, values)
    | st.builds(lambda items: {"$in": items}, st.lists(values, max_size=3))
    | st.builds(lambda value: {"$ne": value}, values)
    | st.builds(lambda items, least: {"$in": items, "$gt": least}, st.lists(values, max_size=3), st.integers(0, 1))
)
objects = st.dictionaries(st.sampled_from(["a", "payload.a", "b", "c.a"]), tests, max_size=2)
specs = objects | st.builds(
    lambda parts, own: {"$and": parts, **own}, st.lists(objects, min_size=1, max_size=2), objects
)


def entries(conditions: list[dict[str, Any] | None]) -> list[Entry]:
    rules = [
        Rule(id=f"{place:02}", event_type="a.b", action=Action.NONE, conditions=spec)
        for place, spec in enumerate(conditions)
    ]
    return [
        Entry(rule, compile_condition(rule.conditions) if rule.conditions else None, demands(rule.conditions))
        for rule in rules
    ]


@given(
    conditions=st.lists(st.none() | specs, min_size=9, max_size=20),
    payload=st.fixed_dictionaries({}, optional={"a": values, "b": values, "c": values}),
)
def test_what_is_looked_up_is_what_asking_one_after_the_other_finds(
    conditions: list[dict[str, Any] | None], payload: dict[str, Any]
) -> None:
    rules = entries(conditions)
    fields = Fields(event(payload=payload))
    expected = next((entry.rule for entry in rules if entry.condition is None or entry.condition(fields)), None)
    assert Shelf(rules).first(fields) == expected


def test_rules_that_one_field_tells_apart_are_not_all_asked() -> None:
    asked: list[str] = []

    def condition(rule_id: str) -> Any:
        return lambda fields: asked.append(rule_id)

    rules = [
        entry._replace(condition=condition(entry.rule.id))
        for entry in entries([{"tenant_id": 7, "payload.plan": f"p{number}"} for number in range(100)])
    ]
    assert Shelf(rules).first(Fields(event(payload={"plan": "p42"}, tenant_id=7))) is None
    assert asked == ["42"]
