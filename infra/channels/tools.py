"""What the set-up of channels works with, and what every change does besides: it goes on record and into force."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog
from aiokafka.errors import KafkaError

from adapters.gateway import GatewayClient
from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database
from infra.audit import record_change
from infra.configuration import Publisher, vanished_message
from infra.errors import AwayError, ConflictError
from infra.settings import Settings
from schemas.audit import AuditAction
from streams import topics
from streams.configuration import Key

log = structlog.get_logger()


class Tools(Protocol):
    """The settings, MySQL, the gateway and Kafka; each is connected to when it is first needed."""

    settings: Settings

    @property
    def db(self) -> Database: ...
    @property
    def gateway(self) -> GatewayClient: ...
    async def producer(self) -> Any: ...
    async def publisher(self) -> Publisher: ...


@asynccontextmanager
async def mysql_at_hand() -> AsyncIterator[None]:
    """Work with MySQL; AwayError where it does not do its part."""
    try:
        yield
    except DatabaseError as error:
        raise AwayError(f"MySQL does not do its part: {error}; `posto doctor` says what to do.") from None


async def record(
    tools: Tools, actor: str, action: AuditAction, subject: str, reason: str | None = None, **detail: Any
) -> None:
    """Put on record what is being done; AwayError where Kafka does not take it: then it must not be done."""
    try:
        producer = await tools.producer()
        await record_change(producer, actor=actor, action=action, subject=subject, detail=detail, reason=reason)
    except KafkaError as error:
        raise _not_taken(error) from None


async def produce(tools: Tools, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    """Write one record, and return once all in-sync replicas have it."""
    try:
        producer = await tools.producer()
        await producer.send_and_wait(topic, value, key=key, headers=headers)
    except KafkaError as error:
        raise _not_taken(error) from None


async def put_in_force(tools: Tools, channel: str | None = None) -> None:
    """Publish what was committed; while Kafka is away that is left to the reconciler of the workers.

    ConflictError where a change of everybody's makes no sense, or that of this channel.
    """
    try:
        publisher = await tools.publisher()
        async with mysql_at_hand(), tools.db.session() as session:
            outcome = await publisher.publish(session)
    except (KafkaError, AwayError) as error:
        log.warning("configuration_published_later", error=str(error), hint="a worker does it within two seconds")
        return
    if outcome.vanished:
        raise ConflictError(vanished_message(outcome.vanished))
    fault = outcome.faults.get(Key(topics.CONFIG_CHANNEL, channel or ""))
    if fault is not None:
        raise ConflictError(f"The row of channel {channel} is written and not in force: {fault}.")


def _not_taken(error: KafkaError) -> AwayError:
    return AwayError(f"Kafka did not take it: {error}; `posto doctor` says what to do.")


__all__ = ["Tools", "mysql_at_hand", "produce", "put_in_force", "record"]
