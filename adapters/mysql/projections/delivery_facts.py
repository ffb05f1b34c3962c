"""`delivery_facts`: every fact about a command, where it lies in delivery.status: what a trace shows."""

from typing import Final

from adapters.mysql.records import Records, Report
from adapters.mysql.statements import Row, json, time, upsert
from adapters.mysql.steps import Write

_DETAILS: Final = (
    "ack",
    "decision",
    "by",
    "reason",
    "message",
    "http_status",
    "provider_message_id",
    "request_id",
    "retry_at",
    "evidence",
)


def rows(records: Records) -> list[Row]:
    """One row a fact; recipient and text stay in `outbound_messages` alone."""
    return [_row(report) for report in records.reports]


def _row(report: Report) -> Row:
    fact = report.fact
    details = {name: getattr(fact, name) for name in _DETAILS}
    return {
        "source_partition": report.partition,
        "source_offset": report.offset,
        "command_id": fact.command_id,
        "event_id": fact.event_id,
        "trace_id": fact.trace_id,
        "fact": fact.fact,
        "at": time(fact.at),
        "recorded_at": time(report.recorded_at),
        "status": fact.status,
        "attempt": fact.attempt,
        "detail": json({name: value for name, value in details.items() if value is not None}),
    }


STEPS: Final = (
    Write(
        rows,
        upsert(
            "delivery_facts",
            (
                "source_partition",
                "source_offset",
                "command_id",
                "event_id",
                "trace_id",
                "fact",
                "at",
                "recorded_at",
                "status",
                "attempt",
                "detail",
            ),
            {"fact": "old.fact"},  # a record of the log never changes
        ),
    ),
)
