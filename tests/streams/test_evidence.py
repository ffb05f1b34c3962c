"""Only the gateway proves anything, and only by payloads that say something."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import event_types
from schemas.deliveries import AckStatus, EvidenceKind
from streams import keys
from streams.evidence import evidence_of
from tests.streams.json_values import json_objects, json_values
from tests.streams.samples import event

PROOFS: dict[str, dict[str, Any]] = {
    event_types.DELIVERY_ACK: {"message_key": "3EB0AA17", "status": "read"},
    event_types.OUTBOUND_MESSAGE: {"message_key": "3EB0AA17", "caption": "oi"},
    event_types.CONNECTION_UPDATE: {"state": "connected"},
}
names = st.sampled_from(["message_key", "status", "text", "caption", "state"])


def test_the_gateways_events_are_evidence() -> None:
    found = {name: evidence_of(event(name, payload, source_system=keys.GATEWAY)) for name, payload in PROOFS.items()}
    ack, echo, state = found.values()
    assert ack is not None
    assert (ack.kind, ack.message_key, ack.ack) == (EvidenceKind.ACK, "3EB0AA17", AckStatus.READ)
    assert echo is not None
    assert (echo.kind, echo.message_key, echo.text) == (EvidenceKind.ECHO, "3EB0AA17", "oi")
    assert state is not None
    assert (state.kind, state.channel_state) == (EvidenceKind.CHANNEL_STATE, "connected")


@pytest.mark.parametrize("event_type", PROOFS)
def test_nobody_else_proves_anything(event_type: str) -> None:
    assert evidence_of(event(event_type, PROOFS[event_type], source_system="erp")) is None


def test_any_other_event_is_no_evidence() -> None:
    assert evidence_of(event(event_types.INBOUND_MESSAGE, {"text": "oi"}, source_system=keys.GATEWAY)) is None


@given(st.sampled_from(sorted(PROOFS)), json_objects | st.dictionaries(names, json_values))
def test_no_payload_is_too_odd(event_type: str, payload: dict[str, Any]) -> None:
    evidence_of(event(event_type, payload, source_system=keys.GATEWAY))


@pytest.mark.parametrize(
    "payload", [{}, {"message_key": "3EB0"}, {"status": "read"}, {"message_key": "3", "status": "?"}]
)
def test_an_ack_that_names_no_message_or_no_state_proves_nothing(payload: dict[str, Any]) -> None:
    assert evidence_of(event(event_types.DELIVERY_ACK, payload, source_system=keys.GATEWAY)) is None
