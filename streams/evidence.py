"""What an event from the gateway proves about our own sends."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas import event_types
from schemas.deliveries import AckStatus, Evidence, EvidenceKind
from schemas.events import Event
from streams import identity, keys
from streams.contact_links import linkable


def evidence_of(event: Event) -> Evidence | None:
    """The evidence in an event: an ack, the echo of an own message, a channel's state, a sign of its life; else None.

    Only the gateway is a witness, whatever type another's event has. A payload that says nothing proves nothing.
    """
    if event.source_system != keys.GATEWAY:
        return None
    make = _MAKERS.get(event.event_type)
    return make(event, event.payload) if make else None


def _ack(event: Event, payload: Mapping[str, Any]) -> Evidence | None:
    message, status = _text(payload, "message_key"), _text(payload, "status")
    if message is None or status not in _ACK_STATUSES:
        return None
    return _evidence(EvidenceKind.ACK, event, message_key=message, ack=AckStatus(status))


def _echo(event: Event, payload: Mapping[str, Any]) -> Evidence:
    return _evidence(
        EvidenceKind.ECHO,
        event,
        message_key=_text(payload, "message_key"),
        contact=event.contact,
        text=_text(payload, "text") or _text(payload, "caption"),
        detail=_linked(event, payload),
    )


def _linked(event: Event, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The contact's other id, where the body carried both a lid and a phone."""
    link = payload.get("link")
    pair = linkable(link.get("lid"), link.get("phone")) if isinstance(link, dict) else None
    if pair is None:
        return {}
    known = {pair[0], identity.match_key(pair[1])}
    return {"same_contact": next(iter(known - {event.contact}))} if event.contact in known else {}


def _channel_state(event: Event, payload: Mapping[str, Any]) -> Evidence | None:
    state = _text(payload, "state")
    return None if state is None else _evidence(EvidenceKind.CHANNEL_STATE, event, channel_state=state)


def _inbound(event: Event, payload: Mapping[str, Any]) -> Evidence | None:
    return _evidence(EvidenceKind.INBOUND, event) if event.channel else None


def _text(payload: Mapping[str, Any], name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) else None


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


_ACK_STATUSES: Final = frozenset(AckStatus)
_MAKERS: Final[Mapping[str, Callable[[Event, Mapping[str, Any]], Evidence | None]]] = {
    event_types.DELIVERY_ACK: _ack,
    event_types.OUTBOUND_MESSAGE: _echo,
    event_types.CONNECTION_UPDATE: _channel_state,
    event_types.INBOUND_MESSAGE: _inbound,
}
