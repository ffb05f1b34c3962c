"""What a proposal would change, by events that were decided already."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration import Rule, Target, Template
from schemas.events import Action, Event
from schemas.proposals import DangerCode, DryRun, Effect, Proposal
from streams import topics
from streams.configuration import Configuration, Entry, Key, Published
from streams.decisions import decide
from streams.dry_run import dry_run
from streams.proposals import objections, with_proposal
from tests.streams.samples import event
from tests.streams.samples_configuration import CHANNEL, INBOUND, OVERDUE, PAYMENTS, PRE_DUE, TEMPLATES

_TOPIC_OF = {"Channel": topics.CONFIG_CHANNEL, "Rule": topics.CONFIG_RULE, "Template": topics.CONFIG_TEMPLATE}
INVOICE = {"phone": "5547999990001", "name": "Ana"}


def published(*extra: Entry) -> Published:
    entries = (CHANNEL, OVERDUE, PRE_DUE, INBOUND, PAYMENTS, *TEMPLATES, *extra)
    keys = [(Key(_TOPIC_OF[type(entry).__name__], entry.id), entry) for entry in entries]
    return Published(dict(keys), {key: entry.version for key, entry in keys}, is_complete=True)


def bill(number: int, event_type: str = "billing.invoice.overdue", payload: dict[str, Any] = INVOICE) -> Event:
    return event(event_type, payload, event_id=f"7d1a2b34-0000-5000-8000-{number:012}", tenant_id=1)


def tried(proposal: Proposal, events: Iterable[Event], most: int = 10) -> DryRun:
    return dry_run(published(), proposal, events, most=most)


def codes(found: DryRun) -> list[str]:
    return [danger.code for danger in found.dangers]


def test_a_rule_that_comes_first_takes_its_events_and_says_so_event_by_event() -> None:
    silent = Rule(id="silent", event_type="billing.invoice.overdue", action=Action.NONE, priority=1)
    events = [bill(1), bill(2, "billing.invoice.pre_due"), bill(3)]
    found = tried(Proposal(rules=(silent,)), events)
    assert (found.events, found.differing, found.sending) == (3, 2, 3)
    assert found.effects == {Effect.SENDS_LESS: 2, Effect.OTHER_RULE: 2, Effect.OTHER_ACTION: 2}
    newest = found.differences[0]
    assert newest.event_id == events[2].event_id
    assert (newest.now.rule_id, newest.now.text, newest.then.rule_id, newest.then.text) == (
        "overdue",
        "Ana: vencida",
        "silent",
        None,
    )
    assert found.rules["silent"].then == 2
    assert found.dangers == ()


def test_another_text_is_told_from_the_same_text_by_another_template() -> None:
    other = Template(id="overdue", body="{{ name }}: em atraso")
    assert tried(Proposal(templates=(other,)), [bill(1)]).effects == {Effect.OTHER_TEXT: 1}
    same = Template(id="again", body="{{ name }}: vencida")
    moved = Rule(id="overdue", event_type="billing.invoice.overdue", action=Action.WHATSAPP, template="again")
    found = tried(Proposal(rules=(moved,), templates=(same,)), [bill(1)])
    assert found.effects == {Effect.OTHER_TEMPLATE: 1}
    slow = Rule(
        id="overdue", event_type="billing.invoice.overdue", action=Action.WHATSAPP, template="overdue", ttl_seconds=60
    )
    assert tried(Proposal(rules=(slow,)), [bill(1)]).effects == {Effect.OTHER_TERMS: 1}


def test_another_target_is_told_from_another_action() -> None:
    asked = Rule(id="ask", event_type="shop.*", action=Action.HTTP, target="one")
    other = Rule(id="ask", event_type="shop.*", action=Action.HTTP, target="two")
    found = dry_run(published(asked), Proposal(rules=(other,)), [bill(1, "shop.order")], most=1)
    assert found.effects == {Effect.OTHER_TARGET: 1}
    assert (found.differences[0].now.target, found.differences[0].then.target) == ("one", "two")


def test_what_changes_nothing_differs_in_nothing() -> None:
    found = tried(Proposal(rules=(OVERDUE,), templates=TEMPLATES), [bill(1), bill(2, "asaas.payment.x")])
    assert (found.differing, found.effects, found.dangers) == (0, {}, ())


def test_deleting_a_rule_lets_another_take_its_events() -> None:
    everything = Rule(id="rest", event_type="billing.*", action=Action.CHAT)
    found = dry_run(published(everything), Proposal(deleted_rules=("overdue",)), [bill(1)], most=1)
    assert found.effects == {Effect.SENDS_LESS: 1, Effect.OTHER_RULE: 1, Effect.OTHER_ACTION: 1}


@pytest.mark.parametrize(
    ("rule", "is_one"),
    [
        ({"event_type": "*"}, True),
        ({"event_type": "whatsapp.*"}, True),
        ({"event_type": "whatsapp.inbound.*"}, True),
        ({"event_type": "whatsapp.inbound.message"}, True),
        ({"event_type": "*", "source_system": "billing"}, False),
        ({"event_type": "whatsapp.inbound.message", "conditions": {"payload.text": "oi"}}, False),
        ({"event_type": "whatsapp.inbound.message", "action": Action.CHAT}, False),
        ({"event_type": "whatsapp.inbound.message", "action": Action.AI, "template": None, "target": "desk"}, True),
        ({"event_type": "whatsapp.*", "action": Action.HTTP, "template": None, "target": "desk"}, True),
        ({"event_type": "whatsapp.inbound.message", "is_enabled": False}, False),
        ({"event_type": "billing.*"}, False),
    ],
)
def test_a_rule_that_would_write_to_everyone_is_a_danger_without_any_event(rule: dict[str, Any], is_one: bool) -> None:
    answer = Rule(**{"id": "answer", "action": Action.WHATSAPP, "template": "overdue", **rule})
    assert codes(tried(Proposal(rules=(answer,)), [])) == [DangerCode.SENDS_TO_EVERYONE] * is_one


def test_what_is_in_force_for_everyone_may_be_touched_without_a_word() -> None:
    answer = Rule(id="a", event_type="whatsapp.inbound.message", action=Action.WHATSAPP, template="overdue", priority=1)
    later = Rule(id="a", event_type="whatsapp.inbound.message", action=Action.WHATSAPP, template="overdue", priority=2)
    assert dry_run(published(answer), Proposal(rules=(later,)), [], most=1).dangers == ()


def test_sending_far_more_is_a_danger_and_a_few_more_are_not() -> None:
    paid = Rule(id="paid", event_type="asaas.payment.*", action=Action.WHATSAPP, template="overdue", priority=1)
    few = [bill(number, "asaas.payment.paid") for number in range(49)]
    assert codes(tried(Proposal(rules=(paid,)), few)) == []
    many = [bill(number, "asaas.payment.paid") for number in range(50)]
    found = tried(Proposal(rules=(paid,)), many)
    assert codes(found) == [DangerCode.SENDS_FAR_MORE]
    assert "50 more would send something than now, where the rules in force send for 0" in found.dangers[0].message
    busy = [*many, *(bill(number + 100) for number in range(51))]
    assert codes(tried(Proposal(rules=(paid,)), busy)) == []


def test_a_rule_that_matches_nothing_is_a_danger_that_says_what_comes_before_it() -> None:
    odd = Rule(id="odd", event_type="billing.invoice.odd", action=Action.NONE)
    found = tried(Proposal(rules=(odd,)), [bill(1)])
    assert codes(found) == [DangerCode.MATCHES_NOTHING]
    assert found.dangers[0].subject == "config.rule/odd"
    assert "none of the last 1 events fits" in found.dangers[0].message
    later = Rule(id="late", event_type="billing.*", action=Action.NONE)
    found = tried(Proposal(rules=(later,)), [bill(1), bill(2, "billing.invoice.pre_due")])
    assert "fits 2 of the last 2 events, and other rules come before it: overdue (1), pre_due (1)" in (
        found.dangers[0].message
    )
    assert codes(tried(Proposal(rules=(odd,)), [])) == []
    idle = dry_run(published(odd), Proposal(rules=(Rule(**{**_fields(odd), "priority": 3}),)), [bill(1)], most=1)
    assert codes(idle) == []


def test_a_variable_that_no_event_of_the_rules_has_is_a_danger() -> None:
    typo = Template(id="overdue", body="{{ nmae }} {{ stage }} {{ event.event_type }}")
    found = tried(Proposal(templates=(typo,)), [bill(1), bill(2, "asaas.payment.x", payload={"nmae": "other"})])
    assert found.unknown_variables == {"overdue": ["nmae"]}
    assert codes(found) == [DangerCode.UNKNOWN_VARIABLE]
    assert found.effects[Effect.REJECTED_MORE] == 1
    some = tried(Proposal(templates=(typo,)), [bill(1, payload={**INVOICE, "nmae": "Ana", "due_date": "2026-01-10"})])
    assert some.dangers == ()


def test_what_would_be_rejected_is_a_danger_with_its_reason() -> None:
    deep = Template(id="overdue", body="{{ customer.plan }}")
    found = tried(Proposal(templates=(deep,)), [bill(1, payload={**INVOICE, "customer": {}})])
    assert codes(found) == [DangerCode.REJECTS]
    assert "1 of the last 1 events would be rejected that are not now: template 'overdue'" in found.dangers[0].message


def test_only_the_newest_differences_are_kept_and_all_are_counted() -> None:
    other = Template(id="overdue", body="{{ name }}: em atraso")
    events = [bill(number) for number in range(7)]
    found = tried(Proposal(templates=(other,)), events, most=2)
    assert [one.event_id for one in found.differences] == [events[6].event_id, events[5].event_id]
    assert found.effects == {Effect.OTHER_TEXT: 7}


def test_objections_name_what_could_not_be_put_in_force() -> None:
    entries = published().entries
    bad = Proposal(rules=(Rule(id="x", event_type="a..b", action=Action.NONE),))
    assert [str(key) for key, _ in objections(entries, bad)] == ["config.rule/x"]
    nameless = Proposal(rules=(Rule(id="x", event_type="a", action=Action.WHATSAPP, template="none"),))
    assert dict(objections(entries, nameless)) == {
        Key(topics.CONFIG_RULE, "x"): "template: 'none' does not exist or is disabled"
    }
    asking = Proposal(rules=(Rule(id="x", event_type="a", action=Action.AI, target="desk"),))
    for targets in ([], [Target(id="desk", url="https://ai.example", is_enabled=False)]):
        there = {**entries, **{Key(topics.CONFIG_TARGET, target.id): target for target in targets}}
        missing = {Key(topics.CONFIG_RULE, "x"): "target: 'desk' does not exist or is disabled"}
        assert dict(objections(there, asking)) == missing
    desk = {Key(topics.CONFIG_TARGET, "desk"): Target(id="desk", url="https://ai.example")}
    assert list(objections({**entries, **desk}, asking)) == []
    gone = dict(objections(entries, Proposal(deleted_templates=("overdue",))))
    assert "these rules name it: overdue" in gone[Key(topics.CONFIG_TEMPLATE, "overdue")]
    both = Proposal(deleted_templates=("overdue",), deleted_rules=("overdue",))
    assert list(objections(entries, both)) == []


_RULES = st.lists(
    st.builds(
        Rule,
        id=st.sampled_from(("a", "b", "overdue", "inbound")),
        event_type=st.sampled_from(("billing.*", "billing.invoice.overdue", "asaas.payment.*", "*")),
        action=st.sampled_from((Action.NONE, Action.CHAT, Action.WHATSAPP)),
        template=st.sampled_from((None, "overdue", "pre_due")),
        priority=st.integers(1, 3),
        is_enabled=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda rule: rule.id,
)
_EVENTS = st.lists(
    st.builds(
        lambda number, event_type, payload: bill(number, event_type, payload=payload),
        st.integers(0, 999),
        st.sampled_from(("billing.invoice.overdue", "billing.invoice.pre_due", "asaas.payment.paid", "other")),
        st.sampled_from((INVOICE, {"phone": "5547999990001"}, {**INVOICE, "text": "pronto"})),
    ),
    max_size=8,
)


@given(_RULES, st.sampled_from(((), ("overdue",), ("inbound",))), _EVENTS)
def test_what_differs_is_exactly_what_the_router_would_decide_otherwise(
    rules: list[Rule], deleted: tuple[str, ...], events: list[Event]
) -> None:
    proposal = Proposal(rules=tuple(rules), deleted_rules=deleted)
    now, then = Configuration(published()), Configuration(with_proposal(published(), proposal))
    found = tried(proposal, events, most=100)
    sends = {True: 0, False: 0}
    for one in events:
        before, after = decide(one, now), decide(one, then)
        if (before.command is None) != (after.command is None):
            sends[after.command is not None] += 1
    assert found.effects.get(Effect.SENDS_MORE, 0) == sends[True]
    assert found.effects.get(Effect.SENDS_LESS, 0) == sends[False]
    assert len(found.differences) == found.differing


def _fields(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in rule.__struct_fields__}
