"""What happens to an event: tenant, channel, rule, command."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from schemas.configuration import Channel, Rule
from schemas.events import Coordinates, Event, Kind
from streams import keys
from streams.decisions import decide
from streams.normalization.content import MAX_TEXT
from tests.streams.samples_configuration import CHANNEL, OTHER_TENANT, OVERDUE, TEMPLATES, configuration, usual

RECEIVED = datetime(2026, 1, 15, 12, tzinfo=UTC)


def event(event_type: str = "billing.invoice.overdue", **fields: Any) -> Event:
    defaults: dict[str, Any] = {
        "event_id": keys.event_id("k"),
        "idempotency_key": "k",
        "event_type": event_type,
        "source_system": "billing",
        "stream_key": "k",
        "fingerprint": "f",
        "trace_id": "t",
        "occurred_at": RECEIVED,
        "received_at": RECEIVED,
        "raw": Coordinates("raw.event", 0, 0),
        "tenant_id": 1,
        "payload": {"to": "47 99999-0001", "name": "Ana"},
    }
    return Event(**(defaults | fields))


def test_an_overdue_invoice_becomes_one_command_on_the_tenants_channel() -> None:
    outcome = decide(event(), usual())

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.command is not None
    assert (outcome.command.channel, outcome.command.to) == ("canalum", "5547999990001")
    assert outcome.command.text == "Ana: vencida"
    assert outcome.command.command_id == keys.command_id(keys.event_id("k"), "whatsapp")
    assert (outcome.decision.rule_id, outcome.decision.rule_version) == ("overdue", 3)
    assert outcome.decision.template_version == 5
    assert outcome.decision.command_id == outcome.command.command_id


def test_a_command_carries_the_pace_and_the_window_of_its_rule_and_what_to_ask_before_it() -> None:
    pace, window = {"every_seconds": 30}, {"days": ["mon"], "from": "08:00", "to": "19:00"}
    rule = msgspec.structs.replace(OVERDUE, pace=pace, send_window=window)
    asked = event(metadata={"precondition_url": "https://erp/unpaid/7001"})
    command = decide(asked, configuration(CHANNEL, rule, *TEMPLATES)).command
    assert command is not None
    assert (command.pace, command.send_window) == (pace, window)
    assert command.precondition_url == "https://erp/unpaid/7001"


@pytest.mark.parametrize(
    ("rule", "metadata", "reason"),
    [
        (msgspec.structs.replace(OVERDUE, pace={"seconds": 30}), {}, "pace: has nothing called 'seconds'"),
        (OVERDUE, {"precondition_url": "erp/unpaid/7001"}, "metadata.precondition_url: must be an address"),
    ],
)
def test_what_asks_for_nonsense_is_rejected_and_says_where(rule: Rule, metadata: dict[str, Any], reason: str) -> None:
    outcome = decide(event(metadata=metadata), configuration(CHANNEL, rule, *TEMPLATES))
    assert (outcome.kind, outcome.command) == (Kind.REJECTED, None)
    assert str(outcome.error).startswith(reason)


def test_a_literal_rule_never_matches_its_sibling() -> None:
    command = decide(event("billing.invoice.pre_due"), usual()).command

    assert command is not None
    assert command.text == "Ana: a vencer"


@pytest.mark.parametrize("event_type", ["asaas.payment.received", "asaas.payment.a.b"])
def test_an_event_that_is_only_recorded_makes_no_command(event_type: str) -> None:
    outcome = decide(event(event_type), usual())

    assert (outcome.kind, outcome.decision.action, outcome.command) == (Kind.ACCEPTED, "none", None)


def test_an_event_without_a_rule_is_accepted_as_such() -> None:
    outcome = decide(event("asaas.payment"), usual())

    assert (outcome.kind, outcome.decision.action, outcome.command) == (Kind.ACCEPTED, "no_rule", None)


def test_an_inbound_message_belongs_to_its_channels_tenant() -> None:
    said = event("whatsapp.inbound.message", source_system=keys.GATEWAY, channel="canalum", tenant_id=None)

    outcome = decide(said, usual())

    assert (outcome.decision.action, outcome.decision.tenant_id, outcome.decision.channel) == ("chat", 1, "canalum")


def test_an_event_of_an_unknown_channel_is_quarantined() -> None:
    outcome = decide(event("whatsapp.inbound.message", channel="outro", tenant_id=None), usual())

    assert outcome.kind is Kind.QUARANTINED
    assert outcome.decision.reason == "channel outro belongs to no tenant"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"payload": {"name": "Ana"}}, "no recipient"),
        ({"payload": {"to": "47 99999-0001"}}, "name"),
        ({"payload": {"to": "ninguém", "name": "Ana"}}, "neither a phone number nor a WhatsApp id"),
        ({"tenant_id": 9}, "tenant 9 has no enabled channel"),
        ({"tenant_id": None}, "neither a tenant_id nor a channel"),
        ({"tenant_id": 2, "channel": "canalum"}, "does not belong to tenant 2"),
    ],
)
def test_what_cannot_be_sent_is_rejected_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    outcome = decide(event(**fields), usual())

    assert outcome.kind is Kind.REJECTED
    assert outcome.command is None
    assert reason in (outcome.decision.reason or "")


def test_a_disabled_channel_sends_nothing() -> None:
    disabled: Channel = msgspec.structs.replace(CHANNEL, is_enabled=False)

    assert decide(event(), configuration(disabled, OVERDUE)).decision.reason == "tenant 1 has no enabled channel"
    named = decide(event(channel="canalum"), configuration(disabled, OVERDUE))
    assert named.decision.reason == "channel canalum is disabled"


def test_another_tenants_channel_is_never_used() -> None:
    foreign: Channel = msgspec.structs.replace(CHANNEL, tenant=OTHER_TENANT)

    assert decide(event(), configuration(foreign, OVERDUE)).kind is Kind.REJECTED


def test_a_ready_text_wins_over_the_template() -> None:
    outcome = decide(event(payload={"phone": "5547999990001", "text": "Olá, Ana"}), usual())

    assert (command := outcome.command) is not None
    assert (command.text, command.template, command.template_version) == ("Olá, Ana", None, None)
    assert (outcome.decision.template, outcome.decision.command_id) == (None, command.command_id)


@pytest.mark.parametrize("name", ["text", "message"])
def test_a_text_is_sent_up_to_the_longest_that_whatsapp_takes(name: str) -> None:
    longest = decide(event(payload={"to": "5547999990001", name: "á" * MAX_TEXT}), usual())
    longer = decide(event(payload={"to": "5547999990001", name: "á" * (MAX_TEXT + 1)}), usual())

    assert longest.kind is Kind.ACCEPTED
    assert (longer.kind, longer.command) == (Kind.REJECTED, None)
    assert longer.decision.reason == f"payload.{name} has 65537 characters, at most 65536 can be sent"


def test_a_command_expires_at_the_earlier_of_the_events_end_and_the_rules_time_to_live() -> None:
    rule = msgspec.structs.replace(OVERDUE, ttl_seconds=3600)
    with_ttl = configuration(CHANNEL, rule, *TEMPLATES)

    hour = decide(event(), with_ttl).command
    sooner = decide(event(expires_at=RECEIVED + timedelta(minutes=5)), with_ttl).command

    assert hour is not None
    assert hour.expires_at == RECEIVED + timedelta(hours=1)
    assert sooner is not None
    assert sooner.expires_at == RECEIVED + timedelta(minutes=5)


def test_the_same_event_and_configuration_give_the_same_outcome() -> None:
    assert decide(event(), usual()) == decide(event(), usual())
