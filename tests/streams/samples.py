"""Events for the tests of rules and templates."""

from datetime import UTC, datetime
from typing import Any

from schemas.events import Coordinates, Event

RECEIVED_AT = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)


def event(event_type: str = "billing.invoice.overdue", payload: dict[str, Any] | None = None, **fields: Any) -> Event:
    """An event of the given type and payload; every other field has a value that no test depends on."""
    return Event(
        **{
            "event_id": "7d1a2b34-0000-5000-8000-000000000001",
            "idempotency_key": "erp|1|" + event_type,
            "event_type": event_type,
            "source_system": "erp",
            "stream_key": "erp|1|" + event_type,
            "fingerprint": "0" * 32,
            "trace_id": "trace-1",
            "occurred_at": RECEIVED_AT,
            "received_at": RECEIVED_AT,
            "raw": Coordinates("raw.event", 0, 0),
            "payload": payload or {},
            **fields,
        }
    )
