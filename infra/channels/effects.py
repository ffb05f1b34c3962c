"""What every change of tenants and channels does besides: it goes on record, and into force."""

from typing import Any, Final, NamedTuple

from infra.audit import record_change
from infra.authoring.reach import Reached, bring_into_force
from infra.context import Context
from schemas.audit import AuditAction
from streams import topics
from streams.configuration import Key
from streams.identity import canonical_channel

_WAIT_SECONDS: Final = 2.0


class Actor(NamedTuple):
    """Who does it, and the trace of the request by which they do."""

    name: str
    trace_id: str | None = None


NOBODY: Final = Actor("")
"""Who only looks."""


async def record(
    context: Context, actor: Actor, action: AuditAction, subject: str, reason: str | None = None, **detail: Any
) -> None:
    """Put on record what is being done; KafkaError where it is not taken: then it must not be done."""
    await record_change(
        await context.producer(),
        actor=actor.name,
        action=action,
        subject=subject,
        detail=detail,
        reason=reason,
        trace_id=actor.trace_id,
    )


async def put_in_force(context: Context, channel_id: str | None) -> Reached:
    """Publish what was committed about a channel, and wait a moment until it is in force in all live workers.

    Raises nothing where MySQL or Kafka is away: what is saved is saved, and the workers publish it by themselves.
    """
    keys = [Key(topics.CONFIG_CHANNEL, canonical_channel(channel_id))] if channel_id else []
    reached = await bring_into_force(context.db, context.publisher, context.workers, keys, _WAIT_SECONDS)
    if reached.kafka_failed:
        await context.reopen_configuration()
    return reached


__all__ = ["NOBODY", "Actor", "put_in_force", "record"]
