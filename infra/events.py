"""Events and what was decided, read from MySQL."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adapters.mysql.lists import Position, Table, Wanted, found
from adapters.mysql.pool import Database, Row
from infra.errors import UnknownError
from schemas.events import Coordinates

_COLUMNS: Final = (
    *("event_id", "idempotency_key", "event_type", "source_system", "external_id", "tenant_id", "channel_id"),
    *("contact", "conversation_id", "trace_id", "correlation_id", "kind", "status", "reason", "action", "rule_id"),
    *("rule_version", "template", "template_version", "command_id", "occurred_at", "received_at", "processed_at"),
    *("expires_at", "duplicates"),
)
TABLE: Final = Table(
    name="communication_events",
    columns=", ".join(f"one.{name}" for name in _COLUMNS),
    time="received_at",
    conditions={
        "status": "status = %s",
        "tenant": "tenant_id = %s",
        "channel": "channel_id = %s",
        "type": "event_type = %s",
        "source": "source_system = %s",
        "text": "LOCATE(%s, CONVERT(payload USING utf8mb4) COLLATE utf8mb4_general_ci) > 0",
    },
    indexes={
        "channel": "by_channel",
        "type": "by_type",
        "status": "by_status",
        "tenant": "by_tenant",
        None: "by_time",
    },
)


async def page(db: Database, wanted: Wanted) -> tuple[list[Row], Position | None]:
    """Events as `schemas.admin.events.EventShown` has them, those that came last first; and where the list goes on."""
    page = await found(db, TABLE, wanted)
    return [_shown(row) for row in page.rows], page.after


async def one(db: Database, event_id: str) -> Row:
    """One event with its payload; UnknownError where there is none of that id."""
    rows = await db.fetch("SELECT * FROM communication_events WHERE event_id = %s", (event_id,))
    if not rows:
        raise UnknownError(f"There is no event {event_id!r}; what was just sent may still be on its way.")
    row = rows[0]
    raw = Coordinates(row["raw_topic"], row["raw_partition"], row["raw_offset"])
    documents = {name: msgspec.json.decode(row[name]) for name in ("payload", "metadata")}
    return _shown({**row, **documents, "raw": str(raw)})


def _shown(row: Row) -> Row:
    return {**{name: _utc(value) for name, value in row.items()}, "channel": row["channel_id"]}


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
