"""The priorities by which rules come in an order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.authoring.ordering import priorities
from infra.errors import InvalidError
from schemas.configuration import Rule
from schemas.events import Action
from streams.routing import RuleSet
from tests.streams.samples import event


def rule(name: str, event_type: str = "a.b", source: str | None = None, priority: int = 100) -> Rule:
    return Rule(id=name, event_type=event_type, action=Action.NONE, source_system=source, priority=priority)


def test_rules_keep_their_places_among_the_others_as_far_as_can_be() -> None:
    assert priorities([rule("b", priority=7), rule("a", priority=3)]) == {"b": 3, "a": 7}
    assert priorities([rule("b"), rule("a"), rule("c", priority=500)]) == {"b": 100, "a": 101, "c": 500}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rule("wide", "a.*"), rule("exact", "a.b")),
        (rule("all", "*"), rule("wide", "a.*")),
        (rule("any"), rule("own", source="erp")),
    ],
)
def test_what_is_more_exact_comes_first_whatever_the_priorities(first: Rule, second: Rule) -> None:
    with pytest.raises(InvalidError, match=f"'{second.id}' comes before '{first.id}' whatever"):
        priorities([first, second])
    assert priorities([second, first])


def test_rules_that_never_meet_may_come_in_any_order() -> None:
    assert priorities([rule("x", "c.*"), rule("y", "a.b")])
    assert priorities([rule("x", source="erp"), rule("y", source="crm")])


@given(st.permutations(range(5)), st.lists(st.integers(1, 4), min_size=5, max_size=5))
def test_the_rule_that_is_put_first_is_the_one_that_applies(order: list[int], given_priorities: list[int]) -> None:
    rules = [rule(f"r{number}", priority=given_priorities[number]) for number in order]
    given_order = priorities(rules)
    arranged = [rule(one.id, priority=given_order[one.id]) for one in rules]
    for first in range(len(arranged)):
        chosen = RuleSet(arranged[first:]).choose(event("a.b"))
        assert chosen is not None
        assert chosen.id == arranged[first].id
