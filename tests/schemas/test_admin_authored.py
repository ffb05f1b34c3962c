"""What the Admin API takes and shows of rules, beside the rules themselves."""

from typing import get_args

from schemas.admin.authored import Danger
from schemas.admin.rules import ActionName, NewRule, PolicyName, RuleChange, RuleShown
from schemas.commands import Policy
from schemas.configuration import Rule
from schemas.events import Action
from schemas.proposals import DangerCode

FIELDS = set(Rule.__struct_fields__) - {"version"}


def test_every_field_of_a_rule_can_be_written_and_is_shown() -> None:
    assert set(NewRule.model_fields) == FIELDS
    assert set(RuleChange.model_fields) == FIELDS - {"id"}
    assert set(RuleShown.model_fields) >= FIELDS


def test_the_choices_are_those_of_the_contract() -> None:
    assert set(get_args(ActionName)) == set(Action)
    assert set(get_args(PolicyName)) == set(Policy)
    assert set(get_args(Danger)) == set(DangerCode)
