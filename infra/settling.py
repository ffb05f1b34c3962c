"""What an operator decides about a delivery: written to `delivery.evidence`, and waited for until it is carried out."""

import asyncio
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from adapters.mysql.errors import DatabaseError
from infra.database import database
from infra.deliveries import DeliveryError, KnownDelivery, find, unreadable
from infra.kafka import connection, started
from infra.settings import Settings
from schemas.deliveries import Evidence, OperatorDecision
from schemas.events import Coordinates
from streams import topics
from streams.envelope import headers_for
from streams.sending.operators_word import LONGEST_NAME, LONGEST_REASON, evidence_of

_SOURCE: Final = "posto"
_LOOK_EVERY: Final = 0.1  # seconds
_OVERTAKEN_AFTER: Final = 3.0  # seconds in which a decision that counts is seen, where facts after it are


async def decide(settings: Settings, wanted: str, decision: OperatorDecision, *, by: str, why: str) -> KnownDelivery:
    """Decide, and return the delivery once its sender has carried that out and MySQL shows it, however long it takes.

    DeliveryError where nothing is known of it, where it cannot be decided so, or where something else was faster.
    """
    by, why = _said("--by", by, LONGEST_NAME), _said("--why", why, LONGEST_REASON) if why.strip() else ""
    db = database(settings)
    try:
        known = await find(db, wanted)
        now = datetime.now(UTC)
        if against := known.objection(decision, known.about.attempts, now):
            raise DeliveryError(f"{known.about.command_id} cannot be decided so: {against}.")
        evidence = evidence_of(known.folded, decision, by, why, now)
        where = await _write(settings, evidence)
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
    except DatabaseError as error:
        raise unreadable(error) from None
    finally:
        await db.close()


async def _write(settings: Settings, evidence: Evidence) -> Coordinates:
    said = headers_for(
        id=str(uuid4()),
        type=f"{topics.DELIVERY_EVIDENCE}.{evidence.kind}",
        source=_SOURCE,
        time=evidence.at,
        trace_id=evidence.trace_id,
    )
    kafka = connection(settings)
    producer = await started(lambda: AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True))
    try:
        key, value = (evidence.channel or "").encode(), msgspec.json.encode(evidence)
        written = await producer.send_and_wait(topics.DELIVERY_EVIDENCE, value, key=key, headers=said)
    except KafkaError as error:
        raise DeliveryError(f"Kafka did not take it: {error}; `posto doctor` says what to do.") from None
    finally:
        await producer.stop()
    return Coordinates(written.topic, written.partition, written.offset)


def _said(option: str, text: str, longest: int) -> str:
    text = " ".join(text.split())
    if not text or len(text) > longest or not text.isprintable():
        raise DeliveryError(f"{option} must say something, in at most {longest} characters.")
    return text
