"""`audit_log`: what people did, in the order of the log. From audit.change."""

from typing import Final

from adapters.mysql.records import Records
from adapters.mysql.statements import Row, cut, json, time, upsert
from adapters.mysql.steps import Write

_LONGEST_ACTOR: Final = 191


def rows(records: Records) -> list[Row]:
    """One row a record."""
    return [
        {
            "source_partition": done.partition,
            "source_offset": done.offset,
            "at": time(done.change.at),
            "actor": cut(done.change.actor, _LONGEST_ACTOR),
            "action": done.change.action,
            "subject": cut(done.change.subject, 255),
            "trace_id": cut(done.change.trace_id, 255),
            "detail": json(done.change.detail | {"reason": done.change.reason}),
        }
        for done in records.changes
    ]


STEPS: Final = (
    Write(
        rows,
        upsert(
            "audit_log",
            ("source_partition", "source_offset", "at", "actor", "action", "subject", "trace_id", "detail"),
            {"at": "old.at"},
        ),
    ),
)
