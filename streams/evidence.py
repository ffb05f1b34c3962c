"""What an event from the gateway proves about our own sends."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas import event_types
from schemas.deliveries import AckStatus, Evidence, EvidenceKind
from schemas.events import Event


def evidence_of(event: Event) -> Evidence | None:
    """The evidence in an event: an ack, the echo of an own message, a channel's state; None in all others."""
    make = _MAKERS.get(event.event_type)
    return make(event, event.payload) if make else None


def _ack(event: Event, payload: Mapping[str, Any]) -> Evidence:
    return _evidence(EvidenceKind.ACK, event, message_key=payload.get("message_key"), ack=AckStatus(payload["status"]))


def _echo(event: Event, payload: Mapping[str, Any]) -> Evidence:
    return _evidence(
        EvidenceKind.ECHO,
        event,
        message_key=payload.get("message_key"),
        contact=event.contact,
        text=payload.get("text") or payload.get("caption"),
    )


def _channel_state(event: Event, payload: Mapping[str, Any]) -> Evidence:
    return _evidence(EvidenceKind.CHANNEL_STATE, event, channel_state=payload.get("state"))


def _evidence(kind: EvidenceKind, event: Event, **facts: Any) -> Evidence:
    return Evidence(
        kind=kind,
        event_id=event.event_id,
        trace_id=event.trace_id,
        at=event.occurred_at,
        received_at=event.received_at,
        channel=event.channel,
        **facts,
    )


_MAKERS: Final[Mapping[str, Callable[[Event, Mapping[str, Any]], Evidence]]] = {
    event_types.DELIVERY_ACK: _ack,
    event_types.OUTBOUND_MESSAGE: _echo,
    event_types.CONNECTION_UPDATE: _channel_state,
}
