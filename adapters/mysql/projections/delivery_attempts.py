"""`delivery_attempts`: one row a request to the gateway, with the strongest of what is known of its outcome."""

from typing import Final

from adapters.mysql.records import Records, Report
from adapters.mysql.statements import Row, cut, first, least, time, upsert, where
from adapters.mysql.steps import Write
from schemas.deliveries import FactKind

OPEN: Final = "open"
"""Outcome of an attempt whose end nobody has told yet."""

_OUTCOMES: Final = (
    FactKind.IN_DOUBT,
    FactKind.SUPPRESSED,
    FactKind.EXPIRED,
    FactKind.NOT_SENT,
    FactKind.REFUSED,
    FactKind.ECHOED,
    FactKind.ANSWERED,
)
"""How an attempt may end, weakest first: knowing beats doubt, whenever it came to be known."""
_LONGEST_MESSAGE: Final = 2_000

_ENDING: Final = ("ended_at", "http_status", "reason", "message", "retry_at", "outcome")
_COLUMNS: Final = (
    "command_id",
    "attempt",
    "event_id",
    "trace_id",
    "channel_id",
    "started_at",
    "request_id",
    "provider_message_id",
    *_ENDING,
)


def rows(records: Records) -> list[Row]:
    """One row for every fact that says how an attempt began or ended."""
    told = (report for report in records.reports if report.fact.attempt and report.fact.fact in _TELLING)
    return [_row(report) for report in sorted(told, key=lambda report: report.fact.command_id)]


def _row(report: Report) -> Row:
    fact = report.fact
    row = {
        "command_id": fact.command_id,
        "attempt": fact.attempt,
        "event_id": fact.event_id,
        "trace_id": fact.trace_id,
        "channel_id": fact.channel,
        "request_id": cut(fact.request_id, 255),
        "provider_message_id": cut(fact.provider_message_id, 255),
    }
    if fact.fact is FactKind.ATTEMPT_STARTED:
        return row | {"started_at": time(fact.at), "outcome": OPEN}
    return row | {
        "ended_at": time(fact.at),
        "http_status": fact.http_status,
        "reason": cut(fact.reason, 191),
        "message": cut(fact.message, _LONGEST_MESSAGE),
        "retry_at": time(fact.retry_at),
        "outcome": fact.fact,
    }


_TELLING: Final = frozenset({FactKind.ATTEMPT_STARTED, *_OUTCOMES})
_STRENGTH: Final = "FIELD({}.outcome, " + ", ".join(f"'{outcome}'" for outcome in _OUTCOMES) + ")"

STEPS: Final = (
    Write(
        rows,
        upsert(
            "delivery_attempts",
            _COLUMNS,
            least("started_at")
            | first("request_id", "provider_message_id")
            | where(f"{_STRENGTH.format('new')} > {_STRENGTH.format('old')}", *_ENDING),
        ),
    ),
)
