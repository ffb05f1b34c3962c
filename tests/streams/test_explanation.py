from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration import Rule
from schemas.events import Event
from streams.conditions import ConditionError, compile_condition
from streams.explanation import Fate, explain
from streams.paths import Fields
from streams.routing import RuleSet
from streams.unmet import Unmet, unmet
from tests.streams.samples import event
from tests.streams.test_conditions import json_values, specs
from tests.streams.test_routing import events, rule, rules_of_any_kind


def told(rules: list[Rule], subject: Event) -> dict[str, tuple[Fate, str]]:
    return {one.rule.id: (one.fate, one.reason) for one in explain(rules, subject)}


def test_each_rule_is_told_why() -> None:
    rules = [
        rule("exact", "a.b"),
        rule("late", "a.b", priority=200),
        rule("twin", "a.b"),
        rule("wide", "a.*"),
        rule("crm", "a.b", source_system="crm"),
        rule("off", "a.b", is_enabled=False),
        rule("broken", "a.b", conditions={"amount": {"$no": 1}}),
        rule("dear", "a.b", conditions={"amount": {"$gt": 100}}),
        rule("other", "a.c"),
    ]
    tales = told(rules, event("a.b", {"amount": 5}))
    broken, reason = tales.pop("broken")
    assert broken is Fate.FAULT
    assert reason.startswith("conditions.amount.$no: unknown operator")
    assert tales == {
        "exact": (Fate.WINS, "it comes before twin, which matches too"),
        "twin": (Fate.BEATEN, "its id comes after exact, all else being equal"),
        "late": (Fate.BEATEN, "its priority 200 comes after 100"),
        "wide": (Fate.BEATEN, "a.* is less exact than a.b"),
        "dear": (Fate.CONDITION, "its condition does not hold"),
        "crm": (Fate.SOURCE, "it is for source_system crm, not erp"),
        "off": (Fate.DISABLED, "it is disabled"),
        "other": (Fate.EVENT_TYPE, "it is for a.c"),
    }


def test_a_rule_for_the_source_beats_one_for_any() -> None:
    rules = [rule("any", "a.b", priority=1), rule("erp", "a.b", source_system="erp")]
    assert told(rules, event("a.b")) == {
        "erp": (Fate.WINS, "it comes before any, which matches too"),
        "any": (Fate.BEATEN, "it is for any source_system, erp for erp"),
    }


def test_the_only_one_that_matches_wins() -> None:
    assert told([rule("r", "*")], event("a.b")) == {"r": (Fate.WINS, "no other rule matches")}
    assert told([], event("a.b")) == {}


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ({"amount": 5}, []),
        ({"payload.amount": {"$gt": 100}}, [Unmet("conditions.payload.amount.$gt", 100, 5)]),
        ({"amount": {"$gt": 1, "$lt": 4}}, [Unmet("conditions.amount.$lt", 4, 5)]),
        (
            {"amount": 6, "absent": "x"},
            [Unmet("conditions.amount.$eq", 6, 5), Unmet("conditions.absent.$eq", "x", None)],
        ),
        ({"$and": [{"amount": 5}, {"amount": 6}]}, [Unmet("conditions.$and[1].amount.$eq", 6, 5)]),
        (
            {"$or": [{"amount": 6}, {"$and": [{"amount": 7}]}]},
            [Unmet("conditions.$or[0].amount.$eq", 6, 5), Unmet("conditions.$or[1].$and[0].amount.$eq", 7, 5)],
        ),
        ({"$not": {"amount": 5}}, [Unmet("conditions.$not", {"amount": 5}, True)]),
        ({"amount": {"$not": {"$eq": 5}}}, [Unmet("conditions.amount.$not", {"$eq": 5}, 5)]),
    ],
)
def test_a_condition_that_does_not_hold_says_where(spec: Any, parts: list[Unmet]) -> None:
    assert list(unmet(spec, Fields(event(payload={"amount": 5})))) == parts


@given(spec=specs, payload=st.dictionaries(st.sampled_from("abc"), json_values), tenant=st.none() | st.integers())
def test_a_condition_holds_where_nothing_of_it_is_unmet(spec: Any, payload: dict[str, Any], tenant: int | None) -> None:
    try:
        condition = compile_condition(spec)
    except ConditionError:
        return
    fields = Fields(event(payload=payload, tenant_id=tenant))
    assert condition(fields) is not bool(unmet(spec, fields))


@given(rules=st.lists(rules_of_any_kind, max_size=12, unique_by=lambda rule: rule.id), subject=events)
def test_the_winner_is_the_rule_that_is_chosen(rules: list[Rule], subject: Event) -> None:
    considered = explain(rules, subject)
    assert sorted(one.rule.id for one in considered) == sorted(one.id for one in rules)
    winners = [one.rule for one in considered if one.fate is Fate.WINS]
    chosen = RuleSet(rules).choose(subject)
    assert winners == ([chosen] if chosen else [])
    unbeaten = [one.rule for one in considered if one.fate is not Fate.BEATEN]
    assert RuleSet(unbeaten).choose(subject) == chosen
