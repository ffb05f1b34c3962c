"""What an operator decides about a delivery: written to `delivery.evidence`, and waited for until it is carried out."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database
from infra.audit import record_change
from infra.context import Context, opened
from infra.deliveries import DeliveryError, KnownDelivery, find, unreadable
from infra.patience import GaveUpError, kafka_of, mysql_of, patiently
from infra.said import LONGEST_NAME, LONGEST_REASON, said
from infra.settings import Settings
from schemas.deliveries import Evidence, OperatorDecision
from schemas.events import Coordinates
from streams import topics
from streams.envelope import headers_for
from streams.sending.operators_word import evidence_of

_SOURCE: Final = "posto"
_LOOK_EVERY: Final = 0.1  # seconds
_OVERTAKEN_AFTER: Final = 3.0  # seconds in which a decision that counts is seen, where facts after it are


async def decide(
    settings: Settings, wanted: str, decision: OperatorDecision, *, by: str, why: str, wait: float = 30.0
) -> KnownDelivery:
    """Decide, and return the delivery once its sender has carried that out and MySQL shows it.

    DeliveryError where nothing is known of it, where it cannot be decided so, where something else was faster, or where
    it is on record and nobody has come to it in time; GaveUpError where it did not get there.
    """
    by, why = said("--by", by, LONGEST_NAME), said("--why", why, LONGEST_REASON) if why.strip() else ""
    async with opened(settings, wait) as context:
        try:
            saying = put_on_record(context, wanted, decision, by=by, why=why)
            known, where = await patiently(saying, wait, f"{kafka_of(settings)} or {mysql_of(settings)}")
        except DatabaseError as error:
            raise unreadable(error) from None
        try:
            return await patiently(_carried_out(context.db, known, decision, where), wait, "the sender")
        except (GaveUpError, DatabaseError):
            raise DeliveryError(
                f"It is on record ({where}) and counts once the sender comes to it; after {wait:g} s MySQL does not "
                f"show that yet. `posto status` says what is behind; `posto deliveries show {known.about.command_id}` "
                "what became of it."
            ) from None


async def put_on_record(
    context: Context, wanted: str, decision: OperatorDecision, *, by: str, why: str
) -> tuple[KnownDelivery, Coordinates]:
    """Put a decision on record; what was known then, and where the record lies. Its sender carries it out.

    NoDeliveryError where nothing is known of it, DeliveryError where it cannot be decided so; raises KafkaError.
    """
    known = await find(context.db, wanted)
    now = datetime.now(UTC)
    if against := known.objection(decision, known.about.attempts, now):
        raise DeliveryError(f"{known.about.command_id} cannot be decided so: {against}.")
    about = known.about
    producer = await context.producer()
    await record_change(
        producer,
        actor=by,
        action=f"delivery.{_DONE[decision]}",
        subject=f"delivery:{about.command_id}",
        detail={"status": about.status, "attempts": about.attempts},
        reason=why or None,
        trace_id=about.trace_id,
        tenant_id=about.tenant_id,
    )
    return known, await _write(producer, evidence_of(known.folded, decision, by, why, now))


async def _carried_out(
    db: Database, known: KnownDelivery, decision: OperatorDecision, where: Coordinates
) -> KnownDelivery:
    """The delivery once the sender has taken the decision that lies at `where`, however long that takes."""
    loop = asyncio.get_running_loop()
    overtaken_at: float | None = None
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        seen = await find(db, known.about.command_id)
        if any(recorded.fact.evidence == where for recorded in seen.facts):
            return seen
        against = seen.objection(decision, known.about.attempts, datetime.now(UTC))
        overtaken_at = (overtaken_at or loop.time()) if against else None
        if overtaken_at is not None and loop.time() - overtaken_at > _OVERTAKEN_AFTER:
            raise DeliveryError(f"{known.about.command_id} was not decided so, something was faster: {against}.")


async def _write(producer: Any, evidence: Evidence) -> Coordinates:
    headers = headers_for(
        id=str(uuid4()),
        type=f"{topics.DELIVERY_EVIDENCE}.{evidence.kind}",
        source=_SOURCE,
        time=evidence.at,
        trace_id=evidence.trace_id,
    )
    key, value = (evidence.channel or "").encode(), msgspec.json.encode(evidence)
    written = await producer.send_and_wait(topics.DELIVERY_EVIDENCE, value, key=key, headers=headers)
    return Coordinates(written.topic, written.partition, written.offset)


_DONE: Final = {
    OperatorDecision.SENT: "settled_as_sent",
    OperatorDecision.NOT_SENT: "settled_as_not_sent",
    OperatorDecision.RESEND: "resent",
    OperatorDecision.CANCEL: "cancelled",
}
"""How the audit names what was decided."""
