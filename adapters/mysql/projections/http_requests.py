"""`http_requests`: one row a command that posts an event to a target, by its newest fact. From http.status."""

from typing import Final

from adapters.mysql.records import Posting, Records
from adapters.mysql.statements import Row, cut, time, upsert, where
from adapters.mysql.steps import Write
from schemas.http_actions import HttpStatus

_LONGEST_MESSAGE: Final = 2_000
_CONTENT: Final = (
    "status",
    "attempts",
    "http_status",
    "reason",
    "message",
    "replies",
    "handoff",
    "seconds",
    "told_at",
    "ended_at",
)
_COLUMNS: Final = (
    "command_id",
    "event_id",
    "trace_id",
    "action",
    "target",
    "tenant_id",
    "channel_id",
    "conversation_id",
    "created_at",
    *_CONTENT,
    "source_partition",
    "source_offset",
)


def rows(records: Records) -> list[Row]:
    """One row a command, of the last of its facts: all of them lie in one partition."""
    newest = {posting.fact.command_id: posting for posting in records.postings}
    return [_row(newest[command_id]) for command_id in sorted(newest)]


def _row(posting: Posting) -> Row:
    fact = posting.fact
    return {
        "command_id": fact.command_id,
        "event_id": fact.event_id,
        "trace_id": cut(fact.trace_id, 191),
        "action": fact.action,
        "target": fact.target,
        "tenant_id": fact.tenant_id,
        "channel_id": cut(fact.channel, 100),
        "conversation_id": cut(fact.conversation_id, 255),
        "created_at": time(fact.created_at),
        "status": fact.status,
        "attempts": fact.attempt,
        "http_status": fact.http_status,
        "reason": cut(fact.reason, 191),
        "message": cut(fact.message, _LONGEST_MESSAGE),
        "replies": fact.replies,
        "handoff": int(fact.handoff),
        "seconds": fact.seconds,
        "told_at": time(fact.at),
        "ended_at": None if fact.status is HttpStatus.WAITING else time(fact.at),
        "source_partition": posting.partition,
        "source_offset": posting.offset,
    }


STEPS: Final = (
    Write(
        rows,
        upsert(
            "http_requests",
            _COLUMNS,
            where("new.source_offset >= old.source_offset", *_CONTENT, "source_offset"),
        ),
    ),
)
