import msgspec

from schemas.configuration import Rule, Template
from schemas.events import Action
from streams import topics
from streams.configuration import Key, Published
from streams.publication import Authored
from streams.standing import State, standings

RULE = Rule(id="r", event_type="a.b", action=Action.NONE)
OTHER = Rule(id="s", event_type="a.c", action=Action.NONE, is_enabled=False)
KEY = Key(topics.CONFIG_RULE, "r")


def published(*rules: Rule) -> Published:
    return Published({Key(topics.CONFIG_RULE, rule.id): msgspec.structs.replace(rule, version=4) for rule in rules})


def authored(*rules: Rule, faults: dict[Key, str] | None = None) -> Authored:
    return Authored({Key(topics.CONFIG_RULE, rule.id): rule for rule in rules}, faults or {})


def states(published: Published, authored: Authored | None = None) -> list[tuple[str, State, int | None, str | None]]:
    return [
        (one.id, one.state, one.entry.version if one.entry else None, one.reason)
        for one in standings(topics.CONFIG_RULE, published, authored)
    ]


def test_what_is_in_force_and_what_is_disabled() -> None:
    expected = [("r", State.IN_FORCE, 4, None), ("s", State.DISABLED, 4, None)]
    assert states(published(RULE, OTHER), authored(RULE, OTHER)) == expected
    assert states(published(RULE, OTHER)) == expected


def test_what_is_about_to_be_published_or_deleted_is_pending() -> None:
    changed = msgspec.structs.replace(RULE, priority=1)
    assert states(published(RULE, OTHER), authored(changed)) == [
        ("r", State.PENDING, 4, None),
        ("s", State.PENDING, 4, None),
    ]
    assert states(Published(), authored(RULE)) == [("r", State.PENDING, 0, None)]


def test_a_row_that_makes_no_sense_is_refused_or_leaves_the_version_before() -> None:
    faults = {KEY: "action: no"}
    assert states(published(RULE), authored(faults=faults)) == [("r", State.OUTDATED, 4, "action: no")]
    assert states(Published(), authored(faults=faults)) == [("r", State.REFUSED, None, "action: no")]
    lost = msgspec.structs.replace(RULE, template="t")
    reason = "template: 't' does not exist or is disabled"
    assert states(Published(), authored(lost)) == [("r", State.REFUSED, 0, reason)]


def test_what_was_published_and_does_not_work_is_broken() -> None:
    broken = msgspec.structs.replace(RULE, event_type="a..b")
    ((_, state, _, reason),) = states(published(broken))
    assert state is State.BROKEN
    assert str(reason).startswith("event_type: must be words")


def test_only_the_entries_of_the_topic_are_told() -> None:
    template = {Key(topics.CONFIG_TEMPLATE, "t"): Template(id="t", body="x")}
    assert standings(topics.CONFIG_RULE, Published(template)) == []
