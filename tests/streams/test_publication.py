from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration import SENTINEL_KEY, Change, Channel, Rule, Sentinel, Template, Tenant
from schemas.events import Action
from streams import topics
from streams.configuration import Entry, Key, Published
from streams.publication import Authored, Plan, plan

TENANT = Tenant(id=7, name="Um")
RULE = Rule(id="r", event_type="a.b", action=Action.NONE)
OTHER_RULE = Rule(id="r2", event_type="a.c", action=Action.NONE)
TEMPLATE = Template(id="t", body="oi")
CHANNEL = Channel(id="canalum", channel_id="Canal Um", tenant=TENANT)
TOPIC_OF: dict[type[Entry], str] = {
    Rule: topics.CONFIG_RULE,
    Template: topics.CONFIG_TEMPLATE,
    Channel: topics.CONFIG_CHANNEL,
}


class Record(NamedTuple):
    topic: str
    key: bytes
    value: bytes | None


def authored(*entries: Entry, faults: dict[Key, str] | None = None) -> Authored:
    return Authored({Key(TOPIC_OF[type(entry)], entry.id): entry for entry in entries}, faults or {})


def carried_out(done: Plan, published: Published) -> Published:
    """The topics after a plan was carried out."""
    records = [Record(item.key.topic, item.key.id.encode(), item.value) for item in done.publications]
    if done.sentinel:
        records.append(Record(topics.CONFIG_RULE, SENTINEL_KEY, msgspec.json.encode(done.sentinel)))
    changes = [Record(topics.CONFIG_CHANGE, item.key.id.encode(), item.change) for item in done.publications]
    return published.after(changes).after(records)


def published(*entries: Entry) -> Published:
    return carried_out(plan(authored(*entries), Published()), Published())


def listed(done: Plan) -> list[tuple[str, str, int, bool]]:
    return [(item.key.topic, item.key.id, item.version, item.entry is None) for item in done.publications]


def test_the_first_publication_is_ordered_and_ends_with_the_sentinel() -> None:
    done = plan(authored(RULE, TEMPLATE, CHANNEL, OTHER_RULE), Published())
    assert listed(done) == [
        (topics.CONFIG_CHANNEL, "canalum", 1, False),
        (topics.CONFIG_TEMPLATE, "t", 1, False),
        (topics.CONFIG_RULE, "r", 1, False),
        (topics.CONFIG_RULE, "r2", 1, False),
    ]
    assert done.sentinel == Sentinel(channels=1, templates=1, rules=2)
    assert [item.entry.version for item in done.publications if item.entry] == [1, 1, 1, 1]


def test_what_is_in_force_is_not_published_again() -> None:
    assert plan(authored(RULE, TEMPLATE, CHANNEL), published(RULE, TEMPLATE, CHANNEL)) == Plan()


def test_contents_are_compared_not_versions() -> None:
    present = published(RULE)
    assert plan(authored(msgspec.structs.replace(RULE, version=99)), present) == Plan()
    done = plan(authored(msgspec.structs.replace(RULE, priority=5)), present)
    assert listed(done) == [(topics.CONFIG_RULE, "r", 2, False)]


def test_a_change_of_kind_within_the_conditions_is_a_change() -> None:
    before = msgspec.structs.replace(RULE, conditions={"a": 1})
    after = msgspec.structs.replace(RULE, conditions={"a": True})
    assert listed(plan(authored(after), published(before))) == [(topics.CONFIG_RULE, "r", 2, False)]


def test_a_tenants_change_publishes_its_channels() -> None:
    other = Channel(id="outro", channel_id="outro", tenant=Tenant(id=8, name="Dois"))
    after = msgspec.structs.replace(CHANNEL, tenant=msgspec.structs.replace(TENANT, is_enabled=False))
    done = plan(authored(RULE, after, other), published(RULE, CHANNEL, other))
    assert listed(done) == [(topics.CONFIG_CHANNEL, "canalum", 2, False)]


def test_a_deleted_row_is_a_tombstone_and_its_next_life_has_a_higher_version() -> None:
    present = published(RULE, OTHER_RULE)
    done = plan(authored(OTHER_RULE), present)
    assert listed(done) == [(topics.CONFIG_RULE, "r", 2, True)]
    assert done.publications[0].value is None
    gone = carried_out(done, present)
    assert listed(plan(authored(RULE, OTHER_RULE), gone)) == [(topics.CONFIG_RULE, "r", 3, False)]


def test_deletions_follow_what_is_new_and_go_the_other_way_round() -> None:
    present = published(RULE, OTHER_RULE, TEMPLATE, Template(id="t2", body="x"), CHANNEL)
    renamed = msgspec.structs.replace(CHANNEL, id="dois", channel_id="dois")
    done = plan(authored(OTHER_RULE, Template(id="t2", body="x"), renamed), present)
    assert listed(done) == [
        (topics.CONFIG_CHANNEL, "dois", 1, False),
        (topics.CONFIG_RULE, "r", 2, True),
        (topics.CONFIG_TEMPLATE, "t", 2, True),
        (topics.CONFIG_CHANNEL, "canalum", 2, True),
    ]


def test_the_only_row_of_a_table_may_be_deleted() -> None:
    assert listed(plan(authored(RULE), published(RULE, TEMPLATE))) == [(topics.CONFIG_TEMPLATE, "t", 2, True)]


@pytest.mark.parametrize(
    ("now", "vanished"),
    [
        (authored(), ("everything",)),
        (authored(TEMPLATE, CHANNEL), (topics.CONFIG_RULE,)),
        (authored(TEMPLATE, CHANNEL, Rule(id="new", event_type="x", action=Action.NONE)), (topics.CONFIG_RULE,)),
    ],
    ids=["all of it", "one table", "replaced"],
)
def test_a_set_that_vanished_changes_nothing_unless_it_is_meant(now: Authored, vanished: tuple[str, ...]) -> None:
    present = published(RULE, OTHER_RULE, TEMPLATE, CHANNEL)
    assert plan(now, present) == Plan(vanished=vanished)
    assert carried_out(plan(now, present, force=True), present).entries.keys() == now.entries.keys()


def test_two_single_rows_that_are_all_there_is_do_not_vanish_together() -> None:
    assert plan(authored(), published(RULE, CHANNEL)).vanished == ("everything",)


def test_a_row_that_makes_no_sense_leaves_what_is_published() -> None:
    key = Key(topics.CONFIG_RULE, "r")
    present = published(RULE, OTHER_RULE)
    faults = {key: "unknown action"}
    assert plan(authored(OTHER_RULE, faults=faults), present) == Plan(faults=faults)


NAMING = msgspec.structs.replace(RULE, template="t")
RULE_KEY, TEMPLATE_KEY = Key(topics.CONFIG_RULE, "r"), Key(topics.CONFIG_TEMPLATE, "t")
UNKNOWN = "template: 't' does not exist or is disabled"


def test_a_rule_without_its_template_waits_for_it_and_the_last_good_one_stays() -> None:
    present = published(RULE, OTHER_RULE)
    done = plan(authored(NAMING, OTHER_RULE), present)
    assert done == Plan(faults={RULE_KEY: UNKNOWN})
    healed = plan(authored(NAMING, OTHER_RULE, TEMPLATE), present)
    assert listed(healed) == [(topics.CONFIG_TEMPLATE, "t", 1, False), (topics.CONFIG_RULE, "r", 2, False)]
    assert healed.faults == {}


def test_a_disabled_rule_may_name_what_is_not_there() -> None:
    off = msgspec.structs.replace(NAMING, is_enabled=False)
    assert plan(authored(off, OTHER_RULE), Published()).faults == {}


def test_a_template_stays_while_a_rule_in_force_names_it() -> None:
    present = published(NAMING, OTHER_RULE, TEMPLATE)
    done = plan(authored(NAMING, OTHER_RULE), present)
    assert done.publications == ()
    assert done.faults == {
        RULE_KEY: UNKNOWN,
        TEMPLATE_KEY: "it was deleted, and stays in force while these rules name it: r",
    }
    elsewhere = plan(authored(RULE, OTHER_RULE), present)
    assert listed(elsewhere) == [(topics.CONFIG_RULE, "r", 2, False), (topics.CONFIG_TEMPLATE, "t", 2, True)]
    assert elsewhere.faults == {}


def test_a_template_stays_for_the_last_good_version_of_a_broken_rule() -> None:
    present = published(NAMING, OTHER_RULE, TEMPLATE)
    done = plan(authored(OTHER_RULE, faults={RULE_KEY: "event_type: no"}), present)
    assert done.publications == ()
    assert set(done.faults) == {RULE_KEY, TEMPLATE_KEY}


def test_a_template_that_is_disabled_is_out_of_force_whoever_names_it() -> None:
    present = published(NAMING, OTHER_RULE, TEMPLATE)
    done = plan(authored(NAMING, OTHER_RULE, msgspec.structs.replace(TEMPLATE, is_enabled=False)), present)
    assert listed(done) == [(topics.CONFIG_TEMPLATE, "t", 2, False)]
    assert done.faults == {RULE_KEY: UNKNOWN}


def test_a_broken_template_is_named_by_its_last_good_version() -> None:
    broken = {TEMPLATE_KEY: "body: line 1: no"}
    assert plan(authored(NAMING, OTHER_RULE, faults=broken), published(OTHER_RULE, TEMPLATE)).faults == broken
    assert plan(authored(NAMING, OTHER_RULE, faults=broken), published(OTHER_RULE)).faults == {
        **broken,
        RULE_KEY: UNKNOWN,
    }


def test_a_record_that_makes_no_sense_is_replaced() -> None:
    damaged = published(RULE, OTHER_RULE).after(
        [Record(topics.CONFIG_RULE, b"r", b"{"), Record(topics.CONFIG_RULE, b"stranger", b"{")]
    )
    assert listed(plan(authored(RULE, OTHER_RULE), damaged)) == [
        (topics.CONFIG_RULE, "r", 2, False),
        (topics.CONFIG_RULE, "stranger", 1, True),
    ]


def test_without_a_rule_the_configuration_is_not_complete() -> None:
    assert plan(authored(CHANNEL, TEMPLATE), Published()).sentinel is None
    assert plan(authored(), Published()) == Plan()


def test_the_sentinel_is_due_even_where_all_entries_are_there_already() -> None:
    interrupted = Published(published(RULE).entries, published(RULE).versions)
    assert plan(authored(RULE), interrupted) == Plan(sentinel=Sentinel(channels=0, templates=0, rules=1))


def test_every_version_goes_to_the_log_of_changes() -> None:
    first, second = (
        msgspec.json.decode(item.change, type=Change)
        for item in plan(authored(msgspec.structs.replace(RULE, priority=1)), published(RULE, OTHER_RULE)).publications
    )
    assert (first.topic, first.id, first.version) == (topics.CONFIG_RULE, "r", 2)
    assert msgspec.convert(first.value, Rule) == msgspec.structs.replace(RULE, priority=1, version=2)
    assert (second.id, second.version, second.value) == ("r2", 2, None)


contents: dict[str, st.SearchStrategy[Any]] = {
    topics.CONFIG_CHANNEL: st.builds(Channel, id=st.just(""), channel_id=st.sampled_from("ab"), tenant=st.just(TENANT)),
    topics.CONFIG_TEMPLATE: st.builds(Template, id=st.just(""), body=st.sampled_from("ab")),
    topics.CONFIG_RULE: st.builds(
        Rule, id=st.just(""), event_type=st.just("a"), action=st.just(Action.NONE), priority=st.integers(0, 2)
    ),
}
sets = st.lists(
    st.sampled_from(sorted(contents)).flatmap(
        lambda topic: st.tuples(st.just(topic), st.sampled_from("xyz"), contents[topic])
    ),
    max_size=6,
).map(lambda items: Authored({Key(kind, name): msgspec.structs.replace(entry, id=name) for kind, name, entry in items}))


@given(history=st.lists(st.tuples(sets, st.booleans()), max_size=6))
def test_whatever_is_authored_the_topics_follow_and_versions_only_rise(history: list[tuple[Authored, bool]]) -> None:
    present = Published()
    for now, force in history:
        done = plan(now, present, force=force)
        after = carried_out(done, present)
        assert all(
            after.versions[key] > present.versions.get(key, 0) for key, *_ in [(i.key,) for i in done.publications]
        )
        assert all(after.versions[key] >= version for key, version in present.versions.items())
        if done.vanished:
            assert not force
            assert done.publications == ()
        else:
            assert {key: _content(entry) for key, entry in after.entries.items()} == {
                key: _content(entry) for key, entry in now.entries.items()
            }
        assert plan(now, after, force=force).publications == ()
        present = after


naming = st.lists(
    st.one_of(
        st.builds(Template, id=st.sampled_from("xyz"), body=st.just("b"), is_enabled=st.booleans()),
        st.builds(
            Rule,
            id=st.sampled_from("xyz"),
            event_type=st.just("a"),
            action=st.just(Action.NONE),
            template=st.none() | st.sampled_from("xyz"),
            is_enabled=st.booleans(),
        ),
    ),
    max_size=6,
).map(lambda entries: authored(*entries))


@given(history=st.lists(st.tuples(naming, st.booleans()), max_size=6))
def test_a_rule_in_force_never_loses_its_template_and_what_is_sound_is_published(
    history: list[tuple[Authored, bool]],
) -> None:
    present = Published()
    for now, force in history:
        done = plan(now, present, force=force)
        present = carried_out(done, present)
        for rule in present.entries.values():
            if isinstance(rule, Rule) and rule.is_enabled and rule.template:
                assert Key(topics.CONFIG_TEMPLATE, rule.template) in present.entries
        if not done.vanished and not done.faults:
            assert present.entries.keys() == now.entries.keys()


def _content(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, version=0)
