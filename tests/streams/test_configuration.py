from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest

from schemas.configuration import SENTINEL_KEY, Change, Channel, Rule, Sentinel, Template, Tenant
from schemas.events import Action
from streams import topics
from streams.configuration import Configuration, Key, Published
from streams.templates import RenderError
from tests.streams.samples import event


class Record(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes | None


TOPIC_OF = {Rule: topics.CONFIG_RULE, Template: topics.CONFIG_TEMPLATE, Channel: topics.CONFIG_CHANNEL}
RULE = Rule(id="r", version=3, event_type="a.b", action=Action.WHATSAPP, template="t")
TEMPLATE = Template(id="t", version=2, body="{{ stage }}")
TENANT = Tenant(id=7, name="Um")
CHANNEL = Channel(id="canalum", version=1, channel_id="Canal Um", tenant=TENANT)
SENTINEL = Record(topics.CONFIG_RULE, SENTINEL_KEY, msgspec.json.encode(Sentinel(channels=1, templates=1, rules=1)))


def record(entry: Rule | Template | Channel) -> Record:
    return Record(TOPIC_OF[type(entry)], entry.id.encode(), msgspec.json.encode(entry))


def gone(entry: Rule | Template | Channel) -> Record:
    return record(entry)._replace(value=None)


def configuration(*entries: Rule | Template | Channel) -> Configuration:
    return Configuration(Published().after(map(record, entries)))


def test_records_become_rules_templates_and_channels() -> None:
    current = configuration(CHANNEL, TEMPLATE, RULE)
    assert current.choose(event("a.b")) == RULE
    assert current.channel("canalum") == CHANNEL
    assert current.channel("Canal Um") is None
    assert current.channel_of_tenant(7) == CHANNEL
    assert current.channel_of_tenant(8) is None
    assert current.tenants == {7: TENANT}
    assert current.faults == {}


def test_the_last_record_of_a_key_counts() -> None:
    later = msgspec.structs.replace(RULE, version=4, action=Action.NONE)
    published = Published().after([record(RULE)]).after([record(later)])
    assert Configuration(published).choose(event("a.b")) == later


def test_a_tombstone_deletes() -> None:
    published = Published().after([record(RULE), record(CHANNEL), gone(RULE), gone(CHANNEL), gone(TEMPLATE)])
    assert published.entries == {}
    assert Configuration(published).channel_of_tenant(7) is None


def test_versions_outlive_a_deletion() -> None:
    change = Change(topic=topics.CONFIG_RULE, id="r", version=9)
    published = Published().after([record(RULE), gone(RULE)])
    assert published.versions == {Key(topics.CONFIG_RULE, "r"): 3}
    published = published.after([Record(topics.CONFIG_CHANGE, b"r", msgspec.json.encode(change))])
    assert published.versions == {Key(topics.CONFIG_RULE, "r"): 9}


def test_the_sentinel_completes() -> None:
    assert not Published().after([record(RULE)]).is_complete
    assert Published().after([SENTINEL]).is_complete
    assert Published().after([SENTINEL]).entries == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"r", b"{"),
        (b"r", b""),
        (b"r", b"[]"),
        (b"r", b"\xff"),
        (b"r", b'{"id":"r","event_type":"a.b","action":"fly"}'),
        (b"r", b'{"id":"other","event_type":"a.b","action":"none"}'),
        (b"\xff", b'{"id":"r","event_type":"a.b","action":"none"}'),
        (None, b'{"id":"r","event_type":"a.b","action":"none"}'),
    ],
)
def test_a_record_that_makes_no_sense_is_reported_and_changes_nothing(key: bytes | None, value: bytes) -> None:
    published = Published().after([record(RULE), Record(topics.CONFIG_RULE, key, value), record(TEMPLATE)])
    current = Configuration(published)
    assert current.choose(event("a.b")) == RULE
    assert len(current.faults) == 1
    assert next(iter(current.faults)).startswith("record config.rule/")


def test_a_record_that_makes_sense_again_is_no_fault() -> None:
    published = Published().after([Record(topics.CONFIG_RULE, b"r", b"{"), record(RULE), record(TEMPLATE)])
    assert Configuration(published).faults == {}


def test_what_does_not_work_is_reported_and_hinders_nothing_else() -> None:
    bad_rule = msgspec.structs.replace(RULE, id="bad", conditions={"$no": 1})
    lost = msgspec.structs.replace(RULE, id="lost", template="absent")
    bad_template = Template(id="broken", body="{% if %}")
    channel = msgspec.structs.replace(CHANNEL, tenant=Tenant(id=7, name="Um", time_zone="America/Nowhere"))
    current = configuration(channel, TEMPLATE, bad_template, RULE, bad_rule, lost)
    assert set(current.faults) == {"rule bad", "rule lost", "template broken", "tenant 7"}
    assert current.choose(event("a.b")) in {RULE, lost}


@pytest.mark.parametrize(
    "change", [{"is_enabled": False}, {"tenant": Tenant(id=7, name="Um", is_enabled=False)}], ids=["channel", "tenant"]
)
def test_only_an_enabled_channel_of_an_enabled_tenant_is_the_tenants_channel(change: dict[str, Any]) -> None:
    current = configuration(msgspec.structs.replace(CHANNEL, **change))
    assert current.channel_of_tenant(7) is None
    assert current.channel("canalum") is not None


def test_a_channel_of_another_provider_is_never_sent_by_nor_received_on() -> None:
    other = msgspec.structs.replace(CHANNEL, id="outro", channel_id="Outro", provider="other")
    alone = configuration(other)
    assert (alone.channel_of_tenant(7), alone.channel("outro")) == (None, None)
    assert alone.tenants == {7: TENANT}
    for current in (configuration(CHANNEL, other), configuration(other, CHANNEL)):
        assert current.channel_of_tenant(7) == CHANNEL


def test_while_a_channel_is_renamed_the_later_one_is_the_tenants_channel() -> None:
    renamed = msgspec.structs.replace(CHANNEL, id="canaldois", channel_id="Canal Dois")
    published = Published().after([record(CHANNEL), record(renamed)])
    assert Configuration(published).channel_of_tenant(7) == renamed
    assert Configuration(published.after([record(CHANNEL)])).channel_of_tenant(7) == CHANNEL


def test_a_text_is_of_the_time_zone_of_its_tenant() -> None:
    far = msgspec.structs.replace(CHANNEL, tenant=Tenant(id=7, name="Um", time_zone="Asia/Tokyo"))
    late: dict[str, Any] = {"payload": {"due_date": "2026-01-15"}, "received_at": datetime(2026, 1, 15, 20, tzinfo=UTC)}
    current = configuration(far, TEMPLATE)
    assert current.render("t", event("a.b", **late)) == ("due_day", 2)
    assert current.render("t", event("a.b", tenant_id=7, **late)).text == "overdue_1d"
    assert current.render("t", event("a.b", channel="canalum", **late)).text == "overdue_1d"


def test_an_empty_configuration_decides_nothing() -> None:
    current = Configuration()
    assert current.choose(event("a.b")) is None
    with pytest.raises(RenderError):
        current.render("t", event("a.b"))
