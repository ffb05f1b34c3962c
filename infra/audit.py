"""The audit: who changed what, put on record on `audit.change`."""

import getpass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

from infra.said import LONGEST_NAME, said
from schemas.audit import AuditChange
from streams import topics
from streams.envelope import headers_for

_SOURCE: Final = "posto"


async def record_change(
    producer: Any,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: dict[str, Any],
    reason: str | None = None,
    trace_id: str | None = None,
    tenant_id: int | None = None,
) -> None:
    """Return once all in-sync replicas have it; raises KafkaError.

    Called within the transaction of the change, as its last statement: what is not on record is not done. `subject` is
    `<what>:<id>`, as `rule:billing`, `action` `<what>.<past tense>`, as `rule.changed`. No secrets, no texts of people.
    """
    now = datetime.now(UTC)
    change = AuditChange(
        action=action, subject=subject, actor=actor, at=now, reason=reason, trace_id=trace_id, detail=detail
    )
    headers = headers_for(
        id=str(uuid4()),
        type=f"{topics.AUDIT_CHANGE}.{action}",
        source=_SOURCE,
        time=now,
        trace_id=trace_id or "",
        tenant_id=tenant_id,
    )
    value = msgspec.json.encode(change)
    await producer.send_and_wait(topics.AUDIT_CHANGE, value, key=subject.encode(), headers=headers)


def actor_of(by: str | None) -> str:
    """Who acts on the command line: `--by`, else who is logged in."""
    return said("--by", by or getpass.getuser(), LONGEST_NAME)
