"""Publishes the authored configuration: what MySQL says, to `config.*` and `config.change`."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer

from adapters.mysql.authored import read_authored
from adapters.mysql.errors import DatabaseError
from adapters.mysql.locks import held
from adapters.mysql.pool import Session
from infra.database import database, reachable
from infra.errors import OperatorError
from infra.kafka import connection, started
from infra.settings import Settings
from schemas.configuration import SENTINEL_KEY, Sentinel
from streams.configuration import ENTRIES, Key, Published
from streams.configuration_log import ConfigurationLog
from streams.publication import Publication, plan
from streams.topics import CONFIG_CHANGE, CONFIG_RULE

_TOPICS: Final = (CONFIG_CHANGE, *ENTRIES)


class PublicationError(OperatorError):
    """The configuration could not be published, or must not be."""


@dataclass(frozen=True)
class Outcome:
    """What was published, and what not: `vanished` are tables that lost everything, `faults` what makes no sense.

    `is_complete` says whether there was ever a complete publication: without one, workers decide nothing.
    `positions` says where the topics end with it: a worker that has applied all before has it in force.
    """

    publications: tuple[Publication, ...]
    vanished: tuple[str, ...]
    faults: Mapping[Key, str]
    is_complete: bool
    positions: Mapping[str, int]


async def publish_configuration(settings: Settings, *, force: bool = False) -> Outcome:
    """Publish what differs, once, waiting for MySQL and Kafka where they are away.

    PublicationError where whole tables vanished and `force` does not say that it is meant; nothing is published then.
    """
    db = database(settings, connections=1)
    try:
        await reachable(db)
        async with db.session() as session, publishing(settings) as publisher:
            outcome = await publisher.publish(session, force=force)
    except DatabaseError as error:
        raise PublicationError(f"The configuration could not be read from MySQL: {error}.") from None
    finally:
        await db.close()
    if outcome.vanished:
        raise PublicationError(vanished_message(outcome.vanished))
    return outcome


def refused_messages(outcome: Outcome) -> list[str]:
    """What became of each row that makes no sense."""
    return [f"The row of {key} is ignored: {reason}." for key, reason in outcome.faults.items()]


def require_complete(outcome: Outcome) -> None:
    """PublicationError where there was never a complete publication: workers would wait for one in vain."""
    if not outcome.is_complete:
        why = " ".join(refused_messages(outcome)) or "routing_rules has no row; `posto migrate --seed` fills it."
        raise PublicationError(f"No rule can be put in force, and without one nothing is decided. {why}")


def vanished_message(vanished: Iterable[str]) -> str:
    """What happened where whole tables lost their rows, and what to do."""
    return (
        f"MySQL lost all that was published on {', '.join(vanished)}, as after a restore or with a wrong MYSQL_DSN: "
        "nothing was published. If it is meant, run `posto publish --force`."
    )


class Publisher:
    """Knows what the topics say, and writes what they must say."""

    def __init__(self, log: ConfigurationLog, producer: Any) -> None:
        self._log = log
        self._producer = producer
        self._ends: dict[str, int] = {}
        self._reading = asyncio.Lock()

    @property
    def positions(self) -> dict[str, int]:
        """Where the topics end, as far as is known: of each the first offset behind all that was read or written."""
        return {topic: max(self._log.positions.get(topic, 0), self._ends.get(topic, 0)) for topic in ENTRIES}

    async def published(self) -> Published:
        """What is published, all that was written before this call. Raises KafkaError."""
        async with self._reading:
            await self._log.read_to_end()
            return self._log.published

    async def publish(self, session: Session, *, force: bool = False) -> Outcome:
        """Publish what differs, while no other publisher does. Raises DatabaseError and KafkaError.

        The log of changes comes first, so that every version that was ever in force is in it.
        """
        async with held(session, "publish"):
            authored = await read_authored(session)
            published = await self.published()
            todo = plan(authored, published, force=force)
            await self._send((CONFIG_CHANGE, item.key.id.encode(), item.change) for item in todo.publications)
            for _, items in groupby(todo.publications, key=lambda item: item.key.topic):
                await self._send((item.key.topic, item.key.id.encode(), item.value) for item in items)
            if todo.sentinel is not None:
                await self._send([_sentinel(todo.sentinel)])
            is_complete = published.is_complete or todo.sentinel is not None
            return Outcome(todo.publications, todo.vanished, todo.faults, is_complete, self.positions)

    async def _send(self, records: Iterable[tuple[str, bytes, bytes | None]]) -> None:
        """Write records, each topic's in order, and return once all in-sync replicas have them."""
        sent = [await self._producer.send(topic, value, key=key) for topic, key, value in records]
        self._ends |= {written.topic: written.offset + 1 for written in await asyncio.gather(*sent)}


def _sentinel(sentinel: Sentinel) -> tuple[str, bytes, bytes]:
    return CONFIG_RULE, SENTINEL_KEY, msgspec.json.encode(sentinel)


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Publisher]:
    """A publisher, connected to Kafka; waits for Kafka and its topics where they are not there yet."""
    kafka = connection(settings)
    log = await started(lambda: ConfigurationLog(kafka, _TOPICS))
    try:
        producer = await started(lambda: AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True))
        try:
            yield Publisher(log, producer)
        finally:
            await producer.stop()
    finally:
        await log.stop()
