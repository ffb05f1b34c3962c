from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from adapters.mysql.authored import MAX_BYTES, authored
from schemas.commands import Policy
from schemas.configuration import Channel, Rule, Target, Template, Tenant
from schemas.events import Action
from streams import topics
from streams.configuration import Entry, Key
from streams.publication import Authored

RULE_ROW: dict[str, Any] = {
    "id": "r",
    "event_type": "a.*",
    "source_system": None,
    "action": "whatsapp",
    "template": "t",
    "target": None,
    "conditions": '{"amount": {"$gt": 5}}',
    "policy": "at_least_once",
    "priority": 10,
    "is_enabled": 1,
    "send_window": None,
    "pace": '{"every_seconds": 30}',
    "ttl_seconds": 60,
    "metadata": None,
}
TEMPLATE_ROW: dict[str, Any] = {"name": "t", "body": "oi", "is_enabled": 0}
CHANNEL_ROW: dict[str, Any] = {
    "channel_id": "Canal Um",
    "provider": "wpp_gateway",
    "display_name": None,
    "is_enabled": 1,
    "metadata": "null",
    "tenant_id": 7,
    "tenant_name": "Um",
    "time_zone": "America/Manaus",
    "tenant_is_enabled": 0,
}


TARGET_ROW: dict[str, Any] = {
    "name": "ai",
    "url": "https://ai.example/answer",
    "is_enabled": 1,
    "timeout_seconds": 20.0,
    "secret_version": 2,
    "former_secret_until": datetime(2026, 1, 15, 12, tzinfo=UTC).replace(tzinfo=None),
}


def read(
    rules: tuple[Any, ...] = (),
    templates: tuple[Any, ...] = (),
    channels: tuple[Any, ...] = (),
    targets: tuple[Any, ...] = (),
) -> Authored:
    return authored(
        {
            topics.CONFIG_RULE: list(rules),
            topics.CONFIG_TEMPLATE: list(templates),
            topics.CONFIG_CHANNEL: list(channels),
            topics.CONFIG_TARGET: list(targets),
        }
    )


@pytest.mark.parametrize(
    ("rows", "entry"),
    [
        (
            {"rules": (RULE_ROW,)},
            Rule(
                id="r",
                event_type="a.*",
                action=Action.WHATSAPP,
                template="t",
                conditions={"amount": {"$gt": 5}},
                policy=Policy.AT_LEAST_ONCE,
                priority=10,
                pace={"every_seconds": 30},
                ttl_seconds=60,
            ),
        ),
        (
            {"targets": (TARGET_ROW,)},
            Target(
                id="ai",
                url="https://ai.example/answer",
                timeout_seconds=20.0,
                secret_version=2,
                former_secret_until=datetime(2026, 1, 15, 12, tzinfo=UTC),
            ),
        ),
        ({"templates": (TEMPLATE_ROW,)}, Template(id="t", body="oi", is_enabled=False)),
        (
            {"channels": (CHANNEL_ROW,)},
            Channel(
                id="canalum",
                channel_id="Canal Um",
                tenant=Tenant(id=7, name="Um", time_zone="America/Manaus", is_enabled=False),
            ),
        ),
    ],
    ids=["rule", "target", "template", "channel"],
)
def test_a_row_becomes_an_entry(rows: dict[str, Any], entry: Entry) -> None:
    found = read(**rows)
    assert list(found.entries.values()) == [entry]
    assert found.faults == {}


def test_an_empty_text_is_no_source_and_no_template() -> None:
    found = read(rules=({**RULE_ROW, "source_system": "", "template": ""},))
    rule = found.entries[Key(topics.CONFIG_RULE, "r")]
    assert isinstance(rule, Rule)
    assert (rule.source_system, rule.template) == (None, None)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("event_type", "a.*.b", "event_type: must be words joined by dots"),
        ("action", "fly", "action: Invalid enum value 'fly'"),
        ("policy", "never", "policy: Invalid enum value 'never'"),
        ("conditions", "{", "conditions: is not JSON"),
        ("conditions", "[1]", "conditions: Expected `object | null`, got `array`"),
        ("pace", "5", "pace: Expected"),
        ("pace", '{"seconds": 30}', "pace: has nothing called 'seconds'"),
        ("pace", '{"per_day": 0}', "pace.per_day: must be a whole number from 1"),
        ("send_window", '{"from": "08:00", "to": "19h"}', "send_window.to: must be a time of day"),
        ("conditions", '{"payload.amount": {"$foo": 1}}', "conditions.payload.amount.$foo: unknown operator"),
        ("conditions", '{"$or": [{"a": {"$regex": "(a+)+$"}}]}', "conditions.$or[0].a.$regex: could take too long"),
    ],
)
def test_a_row_that_makes_no_sense_is_a_fault_and_hinders_no_other(column: str, value: str, reason: str) -> None:
    found = read(rules=({**RULE_ROW, column: value}, {**RULE_ROW, "id": "good"}))
    assert set(found.entries) == {Key(topics.CONFIG_RULE, "good")}
    assert found.faults[Key(topics.CONFIG_RULE, "r")].startswith(reason)


def test_a_template_that_does_not_compile_is_a_fault_unless_it_is_disabled() -> None:
    broken = {**TEMPLATE_ROW, "is_enabled": 1, "body": "Olá, {{ name !"}
    found = read(templates=(broken, {**broken, "name": "u", "is_enabled": 0}))
    assert {key.id for key in found.entries} == {"u"}
    assert found.faults[Key(topics.CONFIG_TEMPLATE, "t")] == "body: line 1: unexpected char '!' at 13"


@pytest.mark.parametrize("letter", ["x", "\x00"], ids=["plain", "escaped"])
def test_a_row_that_is_too_large_to_be_published_is_a_fault_and_hinders_no_other(letter: str) -> None:
    empty = len(msgspec.json.encode(Template(id="u", body="", is_enabled=False)))
    most = (MAX_BYTES - empty) // len(msgspec.json.encode(letter)[1:-1])
    large = {**TEMPLATE_ROW, "is_enabled": 0, "body": letter * (most + 1)}
    found = read(templates=(large, {**large, "name": "u", "body": letter * most}))
    assert {key.id for key in found.entries} == {"u"}
    assert "at most 900000 are published" in found.faults[Key(topics.CONFIG_TEMPLATE, "t")]


def test_two_spellings_of_one_channel_are_a_fault() -> None:
    found = read(channels=(CHANNEL_ROW, {**CHANNEL_ROW, "channel_id": "CANALUM", "provider": "other"}))
    channel = found.entries[Key(topics.CONFIG_CHANNEL, "canalum")]
    assert isinstance(channel, Channel)
    assert channel.channel_id == "Canal Um"
    assert "several rows" in found.faults[Key(topics.CONFIG_CHANNEL, "canalum")]


@pytest.mark.parametrize("metadata", ["null", "{"], ids=["sound", "senseless"])
def test_another_providers_channel_never_takes_the_place_of_the_gateways(metadata: str) -> None:
    key = Key(topics.CONFIG_CHANNEL, "canalum")
    other = {**CHANNEL_ROW, "provider": "other", "tenant_id": 8}
    found = read(channels=(other, {**CHANNEL_ROW, "metadata": metadata}))
    assert key in found.faults
    entry = found.entries.get(key)
    assert entry is None if metadata == "{" else isinstance(entry, Channel) and entry.tenant.id == 7
