"""Each published schema says what the type behind it says."""

import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from typer.testing import CliRunner

from infra.cli import app
from infra.published_schemas import PUBLISHED, UnknownSchemaError, document
from schemas.alarms import Alarm, AlarmKind
from schemas.api import BatchAnswer, EventAccepted, ItemAccepted, ItemRejected, Problem, WrongField
from schemas.audit import AuditAction, AuditChange
from schemas.commands import Command
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from schemas.conversations import ConversationChange, ConversationChangeKind
from schemas.deliveries import AckStatus, DeliveryFact, FactKind, Status
from schemas.events import AcceptedEvent, Action, Decision, Kind
from schemas.http_actions import HttpFact, HttpStatus, Post, Posted, ReplyText, TargetAnswer
from tests.docs.markdown import CONTRACT
from tests.docs.tables import codes, table
from tests.streams.json_values import small_json_values
from tests.streams.samples import RECEIVED_AT, event
from tests.support.properties import examples

_IDS: dict[str, Any] = {"command_id": "c", "event_id": "e", "trace_id": "t", "tenant_id": 1, "channel": "canalum"}
_COMMAND = Command(
    **_IDS,
    event_type="a.b",
    action=Action.WHATSAPP,
    to="554799990001",
    contact="554799990001",
    text="oi",
    created_at=RECEIVED_AT,
    not_before=RECEIVED_AT,
)
_PROBLEM = Problem(type="urn:x", title="t", status=422, detail="d", errors=(WrongField(field="a", message="b"),))
_KEPT: dict[str, Any] = {"event_id": "e", "trace_id": "t", "idempotency_key": "k"}
SAMPLES: dict[str, Any] = {
    "event-answer": EventAccepted(**_KEPT),
    "batch-answer": BatchAnswer(
        accepted=1, rejected=1, results=(ItemAccepted(index=0, **_KEPT), ItemRejected(index=1, problem=_PROBLEM))
    ),
    "problem": _PROBLEM,
    "accepted-event": AcceptedEvent(
        **msgspec.structs.asdict(event("a.b", {"x": [1]})),
        kind=Kind.ACCEPTED,
        decision=Decision(action="whatsapp", rule_version=3),
    ),
    "command": _COMMAND,
    "target-post": Post(
        type="a.b",
        timestamp=RECEIVED_AT,
        action=Action.AI,
        data=Posted(
            event_id="e",
            event_type="a.b",
            source_system="s",
            trace_id="t",
            occurred_at=RECEIVED_AT,
            received_at=RECEIVED_AT,
            payload={"x": 1},
        ),
        depth=1,
    ),
    "target-answer": TargetAnswer((ReplyText("oi"),), handoff=True),
    "post": HttpFact(
        **_IDS,
        action=Action.AI,
        target="responder",
        status=HttpStatus.ANSWERED,
        at=RECEIVED_AT,
        created_at=RECEIVED_AT,
        attempt=1,
        http_status=200,
    ),
    "delivery": DeliveryFact(
        **_IDS, fact=FactKind.ACCEPTED, at=RECEIVED_AT, status=Status.QUEUED, command=_COMMAND, ack=AckStatus.READ
    ),
    "contact-link": ContactLink(
        lid="1@lid",
        phone="55",
        tenant_id=1,
        evidence=LinkEvidence.PAYLOAD,
        what=LinkChange.LINKED,
        at=RECEIVED_AT,
        trace_id="t",
    ),
    "conversation-change": ConversationChange(
        change_id="c",
        conversation_id="canalum:55",
        tenant_id=1,
        what=ConversationChangeKind.ASSIGNED,
        at=RECEIVED_AT,
        by="Ana",
        trace_id="t",
        assignee="Bia",
    ),
    "audit-change": AuditChange(action=AuditAction.DEAD_LETTER_REDRIVEN, subject="s", actor="a", at=RECEIVED_AT),
    "alarm": Alarm(kind=AlarmKind.GATEWAY_DOWN, subject="gateway", message="m", at=RECEIVED_AT),
}


def _json(sample: Any) -> Any:
    encoded = sample.encoded() if hasattr(sample, "encoded") else msgspec.json.encode(sample)
    return json.loads(encoded)


def _is_read(sample: Any, value: Any) -> bool:
    """Whether the type itself takes it."""
    try:
        if isinstance(sample, msgspec.Struct):
            msgspec.json.decode(json.dumps(value), type=type(sample))
        else:
            type(sample).model_validate_json(json.dumps(value), strict=True)
    except (msgspec.ValidationError, ValidationError):
        return False
    return True


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_schema_is_one_of_2020_12_and_stands_alone(name: str) -> None:
    schema = document(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:posto:schema:{name}"
    references = [line for line in json.dumps(schema, indent=0).splitlines() if '"$ref"' in line]
    assert all('"#/$defs/' in line for line in references)


def test_every_schema_but_that_of_an_event_is_held_to_its_type_here() -> None:
    """The event's own is held to its check in tests/streams/normalization/test_event_schema.py."""
    assert set(SAMPLES) == set(PUBLISHED) - {"event"}


@examples(200)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_schema_and_type_take_the_same(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    validator = Draft202012Validator(document(name))
    value = _json(sample)
    assert validator.is_valid(value)
    field = data.draw(st.sampled_from(sorted(value)))
    if data.draw(st.booleans()):
        del value[field]
    else:
        # Told apart by the types alone: a float without a fraction, and what a text must look like to be a time.
        is_time = _is_time(value[field])
        others = small_json_values.filter(lambda other: not isinstance(other, float) and not (is_time and other == ""))
        value[field] = data.draw(others.filter(lambda other: not (is_time and isinstance(other, str))))
    assert validator.is_valid(value) == _is_read(sample, value), (field, value.get(field))


def test_what_the_contract_says_can_be_read_has_a_schema() -> None:
    named = {codes(row["topic"])[0] for row in table(CONTRACT, "topic", "value")} - {"dead.letter"}
    assert named <= {published.where for published in PUBLISHED.values()}


def test_the_command_lists_them_and_prints_one() -> None:
    listed = CliRunner().invoke(app, ["schema"]).output.splitlines()
    assert [line.split()[0] for line in listed] == list(PUBLISHED)
    assert json.loads(CliRunner().invoke(app, ["schema", "alarm"]).output) == document("alarm")


def test_an_unknown_name_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(UnknownSchemaError, match=r"no schema 'evnt': there are event, .*alarm"):
        document("evnt")
