import timeit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration import Rule
from schemas.events import Action, Event
from streams.conditions import compile_condition
from streams.paths import Fields
from streams.routing import RuleSet
from tests.streams.samples import event


def rule(id: str, event_type: str, **fields: object) -> Rule:  # noqa: A002
    return msgspec.structs.replace(Rule(id=id, event_type=event_type, action=Action.NONE), **fields)


def chosen(rules: list[Rule], event_type: str, **fields: object) -> str | None:
    found = RuleSet(rules).choose(msgspec.structs.replace(event(event_type), **fields))
    return found.id if found else None


def test_a_literal_never_matches_a_sibling() -> None:
    rules = [rule("overdue", "billing.invoice.overdue")]
    assert chosen(rules, "billing.invoice.overdue") == "overdue"
    assert chosen(rules, "billing.invoice.pre_due") is None
    assert chosen(rules, "billing.invoice.overdue.again") is None
    assert chosen(rules, "billing.invoice") is None


def test_a_star_matches_one_segment_or_more() -> None:
    rules = [rule("asaas", "asaas.payment.*")]
    assert chosen(rules, "asaas.payment.received") == "asaas"
    assert chosen(rules, "asaas.payment.a.b") == "asaas"
    assert chosen(rules, "asaas.payment") is None
    assert chosen(rules, "asaas.payments.received") is None


def test_exact_beats_longer_prefix_beats_shorter_beats_wildcard() -> None:
    rules = [
        rule("any", "*", priority=1),
        rule("short", "a.*", priority=2),
        rule("long", "a.b.*", priority=3),
        rule("exact", "a.b.c", priority=4),
    ]
    assert chosen(rules, "a.b.c") == "exact"
    assert chosen(rules, "a.b.x") == "long"
    assert chosen(rules, "a.x") == "short"
    assert chosen(rules, "x") == "any"


def test_a_more_exact_pattern_beats_a_source() -> None:
    rules = [rule("source", "a.*", source_system="erp"), rule("exact", "a.b")]
    assert chosen(rules, "a.b") == "exact"


def test_source_specific_beats_any_then_priority_then_id() -> None:
    rules = [rule("z", "a.b", priority=1), rule("s", "a.b", source_system="erp", priority=9)]
    assert chosen(rules, "a.b") == "s"
    assert chosen(rules, "a.b", source_system="other") == "z"
    assert chosen([rule("b", "a.b", priority=2), rule("c", "a.b", priority=1)], "a.b") == "c"
    assert chosen([rule("b", "a.b"), rule("a", "a.b")], "a.b") == "a"


def test_conditions_are_asked_in_that_order() -> None:
    rules = [
        rule("exact", "a.b", conditions={"amount": {"$gt": 100}}),
        rule("next", "a.b", priority=200),
        rule("wide", "a.*"),
    ]
    assert chosen(rules, "a.b", payload={"amount": 101}) == "exact"
    assert chosen(rules, "a.b", payload={"amount": 100}) == "next"
    assert chosen([rules[0], rules[2]], "a.b", payload={}) == "wide"


def test_a_disabled_rule_is_ignored() -> None:
    rules = [rule("off", "a.b", is_enabled=False, conditions={"$no": 1}), rule("on", "a.*")]
    assert chosen(rules, "a.b") == "on"
    assert RuleSet(rules).faults == ()


def test_a_rule_that_makes_no_sense_is_reported_and_hinders_no_other() -> None:
    rules = RuleSet([rule("bad", "a.b", conditions={"amount": {"$no": 1}}), rule("good", "a.b", priority=200)])
    assert rules.choose(event("a.b")) == rule("good", "a.b", priority=200)
    assert [fault.rule_id for fault in rules.faults] == ["bad"]
    assert str(rules.faults[0]).startswith("conditions.amount.$no: unknown operator")


@pytest.mark.parametrize("pattern", ["", ".", "a.", ".a", "a..b", "a*", "*.b", "a.*.b", "a.**", "a b", "a.b ", "a.*\n"])
def test_a_pattern_that_makes_no_sense_is_reported(pattern: str) -> None:
    rules = RuleSet([rule("bad", pattern)])
    assert [(fault.rule_id, fault.place) for fault in rules.faults] == [("bad", "event_type")]
    assert rules.choose(event("a.b")) is None


def test_an_event_type_with_very_many_segments_is_no_burden() -> None:
    rules = RuleSet([rule("a", "a.*"), rule("b", "a.a.*")])
    found = rules.choose(event(".".join("a" * 200_000)))
    assert found is not None
    assert found.id == "b"


def test_a_thousand_rules_cost_little_more_than_a_few() -> None:
    def rules(number: int) -> list[Rule]:
        each = [rule(f"t{n}", f"type{n}.of.event", conditions={"amount": {"$gt": 1}}) for n in range(number)]
        alike = [rule(f"p{n}", "type0.of.event", conditions={"plan": f"p{n}"}, priority=1) for n in range(number)]
        return [*each, *alike]

    subject = event("type0.of.event", {"amount": 2, "plan": "another"})

    def seconds(number: int) -> float:
        chooser = RuleSet(rules(number))
        assert (found := chooser.choose(subject)) is not None
        assert found.id == "t0"
        return min(timeit.repeat(lambda: chooser.choose(subject), number=200, repeat=20))

    assert seconds(500) < 5 * seconds(2)


segments = st.sampled_from(["a", "b", "c"])
types = st.lists(segments, min_size=1, max_size=4).map(".".join)
patterns = types | types.map(lambda text: text + ".*") | st.just("*")
conditions = (
    st.none()
    | st.builds(lambda bound: {"amount": {"$gt": bound}}, st.integers(0, 3))
    | st.builds(lambda value: {"amount": value}, st.integers(0, 4))
    | st.builds(lambda values: {"$and": [{"payload.amount": {"$in": values}}]}, st.lists(st.integers(0, 4), max_size=2))
)
rules_of_any_kind = st.builds(
    Rule,
    id=st.text(alphabet="wxyz", min_size=1, max_size=3),
    event_type=patterns,
    action=st.just(Action.NONE),
    source_system=st.sampled_from([None, None, "erp", "crm"]),
    priority=st.integers(0, 3),
    is_enabled=st.sampled_from([True, True, True, False]),
    conditions=conditions,
)
events = st.builds(
    lambda kind, source, amount: event(kind, {"amount": amount}, source_system=source),
    types,
    st.sampled_from(["erp", "crm", "other"]),
    st.integers(0, 4),
)


@given(rules=st.lists(rules_of_any_kind, max_size=30, unique_by=lambda rule: rule.id), subject=events)
def test_the_index_chooses_as_a_search_through_all_rules_would(rules: list[Rule], subject: Event) -> None:
    assert RuleSet(rules).choose(subject) == _brute_force(rules, subject)


def _brute_force(rules: list[Rule], subject: Event) -> Rule | None:
    def matches(rule: Rule) -> bool:
        pattern, actual = rule.event_type.split("."), subject.event_type.split(".")
        if pattern[-1] == "*":
            fits = len(actual) >= len(pattern) and actual[: len(pattern) - 1] == pattern[:-1]
        else:
            fits = actual == pattern
        return (
            fits
            and rule.is_enabled
            and rule.source_system in {None, subject.source_system}
            and compile_condition(rule.conditions or {})(Fields(subject))
        )

    def rank(rule: Rule) -> tuple[bool, int, bool, int, str]:
        is_prefix = rule.event_type.endswith("*")
        return (is_prefix, -rule.event_type.count("."), rule.source_system is None, rule.priority, rule.id)

    return min(filter(matches, rules), key=rank, default=None)
