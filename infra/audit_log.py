"""The audit as it was kept: who did what, page by page."""

from datetime import UTC
from typing import Any, Final

import msgspec

from adapters.mysql.lists import Position, Table, Wanted, found
from adapters.mysql.pool import Database, Row
from schemas.events import Coordinates
from streams import topics

_COLUMNS: Final = ("source_partition", "source_offset", "at", "actor", "action", "subject", "detail", "trace_id")
TABLE: Final = Table(
    name="audit_log",
    columns=", ".join(f"one.{name}" for name in _COLUMNS),
    time="at",
    unique="unique_id",
    conditions={"subject": "subject = %s", "actor": "actor = %s", "action": "action = %s"},
    indexes={"subject": "by_subject", "actor": "by_actor", "action": "by_action", None: "by_time"},
)


async def page(db: Database, wanted: Wanted) -> tuple[list[dict[str, Any]], Position | None]:
    """What was done, the last first, as `schemas.admin.audit.ChangeShown` has it; and where the list goes on."""
    page = await found(db, TABLE, wanted)
    return [_shown(row) for row in page.rows], page.after


def _shown(row: Row) -> dict[str, Any]:
    detail = msgspec.json.decode(row["detail"])
    record = Coordinates(topics.AUDIT_CHANGE, row["source_partition"], row["source_offset"])
    about = {"at": row["at"].replace(tzinfo=UTC), "reason": detail.pop("reason", None), "record": str(record)}
    return {**row, **about, "detail": detail}
