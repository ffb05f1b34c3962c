"""A rule is tried before it is put in force, and refused where it would be."""

import json
from typing import Any

import pytest

from infra.rule_files import RuleFileError, with_rule
from schemas.configuration import Template
from schemas.events import Action
from streams.configuration import Configuration, Key, Published
from streams.topics import CONFIG_TEMPLATE
from tests.streams.samples import event

PUBLISHED = Published({Key(CONFIG_TEMPLATE, "t"): Template(id="t", body="x")})
RULE: dict[str, Any] = {"id": "r", "event_type": "a.b", "action": "whatsapp", "template": "t"}


def tried(**fields: Any) -> Published:
    return with_rule(PUBLISHED, json.dumps({**RULE, **fields}).encode())


def test_a_rule_takes_part_as_if_it_were_in_force() -> None:
    chosen = Configuration(tried(conditions={"amount": {"$gt": 1}})).choose(event("a.b", {"amount": 2}))
    assert chosen is not None
    assert (chosen.id, chosen.action) == ("r", Action.WHATSAPP)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"event_type": "a.*.b"}, "event_type: must be words joined by dots"),
        ({"action": "fly"}, "action: Invalid enum value 'fly'"),
        ({"template": "absent"}, "template: 'absent' does not exist or is disabled"),
        ({"conditions": {"payload.amount": {"$gt": [1]}}}, "conditions.payload.amount.$gt: must be a number or a text"),
        ({"conditions": {"a": {"$regex": "(a+)+$"}}}, "conditions.a.$regex: could take too long"),
        ({"condition": {}}, "condition: no such field; there are id, version, event_type"),
        ({"priority": "1"}, "priority: Expected `int`, got `str`"),
    ],
)
def test_a_bad_rule_is_refused_with_the_place_of_its_error(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(RuleFileError) as failure:
        tried(**fields)
    assert str(failure.value).startswith(f"This rule would be refused: {reason}")


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(RuleFileError, match="the body is not JSON"):
        with_rule(PUBLISHED, b"{")
