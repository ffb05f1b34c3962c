"""What every change of tenants and channels does besides: it goes on record, and into force."""

from typing import Any

import structlog
from aiokafka.errors import KafkaError

from infra.audit import record_change
from infra.configuration import vanished_message
from infra.context import Context
from infra.errors import AwayError, ConflictError
from schemas.audit import AuditAction
from streams import topics
from streams.configuration import Key

log = structlog.get_logger()


async def record(
    context: Context, actor: str, action: AuditAction, subject: str, reason: str | None = None, **detail: Any
) -> None:
    """Put on record what is being done; KafkaError where it is not taken: then it must not be done."""
    await record_change(
        await context.producer(), actor=actor, action=action, subject=subject, detail=detail, reason=reason
    )


async def put_in_force(context: Context, channel: str | None = None) -> None:
    """Publish what was committed; while Kafka is away that is left to the reconciler of the workers.

    ConflictError where a change of everybody's makes no sense, or that of this channel.
    """
    try:
        publisher = await context.publisher()
        async with context.db.session() as session:
            outcome = await publisher.publish(session)
    except (KafkaError, AwayError) as error:
        log.warning("configuration_published_later", error=str(error), hint="a worker does it within two seconds")
        return
    if outcome.vanished:
        raise ConflictError(vanished_message(outcome.vanished))
    fault = outcome.faults.get(Key(topics.CONFIG_CHANNEL, channel or ""))
    if fault is not None:
        raise ConflictError(f"The row of channel {channel} is written and not in force: {fault}.")


__all__ = ["put_in_force", "record"]
