"""EventIn of a producer to Event."""

from typing import Any

from schemas.events import Event
from streams import identity, keys, replies, timestamps
from streams.normalization.decoding import decode_object
from streams.normalization.errors import NormalizationError
from streams.normalization.event_in import CheckedEventIn, check
from streams.normalization.raw import RawRecord

MAX_BYTES = 900_000
"""Largest EventIn, so that the event with what the hub adds stays within a topic's record."""


def normalize(value: bytes | None, raw: RawRecord) -> Event:
    """Turn the value of a `raw.event` record into an event; NormalizationError names the field that is wrong."""
    if value is not None and len(value) > MAX_BYTES:
        raise NormalizationError("too_large", f"the event has {len(value)} bytes, at most {MAX_BYTES} are allowed")
    event = check(decode_object(value))
    key = event.idempotency_key
    received_at = raw.received_at
    contact = _contact(event.payload)
    metadata = event.metadata
    if event.channel_id != event.channel:
        metadata = {"channel_id": event.channel_id, **metadata}
    return Event(
        event_id=keys.event_id(key),
        idempotency_key=key,
        event_type=event.event_type,
        source_system=event.source_system,
        stream_key=keys.stream_key(key),
        fingerprint=_fingerprint(event),
        trace_id=event.trace_id or raw.trace_id,
        occurred_at=event.occurred_at or received_at,
        received_at=received_at,
        raw=raw.coordinates,
        tenant_id=event.tenant_id,
        channel=event.channel,
        contact=contact,
        conversation_id=replies.conversation_of(event.event_type, event.payload, event.channel, contact),
        correlation_id=event.correlation_id,
        external_id=event.external_id,
        expires_at=event.expires_at,
        payload=event.payload,
        metadata=metadata,
    )


def _contact(payload: dict[str, Any]) -> str | None:
    spelled = identity.recipient_in(payload)
    if spelled is None:
        return None
    try:
        contact = identity.contact(identity.recipient(spelled))
    except ValueError:
        return None
    return None if contact.kind is identity.ContactKind.OTHER else contact.key


def _fingerprint(event: CheckedEventIn) -> str:
    expires_at = event.expires_at
    return keys.fingerprint(
        [
            event.event_type,
            event.tenant_id,
            event.channel,
            event.external_id,
            event.occurrence,
            None if expires_at is None else timestamps.milliseconds(expires_at),
            event.payload,
        ]
    )
