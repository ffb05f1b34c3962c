"""What operations work with, by API and on the command line: opened when it is first needed, shared by all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from adapters.gateway import GatewayClient
from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database
from infra.configuration import Publisher, publishing
from infra.database import database
from infra.dry_run import Laboratory
from infra.errors import AwayError
from infra.gateway import gateway_client
from infra.kafka import connection, started
from infra.patience import kafka_of, patiently
from infra.settings import Settings
from infra.workers import Workers, known_workers

_CONNECTIONS: Final = 8
_TOKEN_CONNECTIONS: Final = 2
_WAIT_SECONDS: Final = 5.0


@asynccontextmanager
async def opened(settings: Settings, wait: float = _WAIT_SECONDS) -> AsyncIterator["Context"]:
    """What a command works with, until it is done; AwayError where MySQL or Kafka does not do what it is asked."""
    async with Context(settings, wait) as context:
        try:
            yield context
        except DatabaseError as error:
            raise AwayError(f"MySQL cannot be asked: {error}; `posto doctor` says what to do.") from None
        except KafkaError as error:
            raise AwayError(f"Kafka did not take it: {error}; `posto doctor` says what to do.") from None


class Context:
    """Settings, MySQL, Kafka and the gateway. Opens nothing by itself: the edge starts without any of them.

    SettingsError where a setting is missing that something of it needs, GaveUpError where Kafka does not answer.
    """

    def __init__(self, settings: Settings, wait: float = _WAIT_SECONDS) -> None:
        """`wait` is how many seconds it waits for Kafka: to be connected to, and to take a record."""
        self.settings = settings
        self._wait = wait
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._producer: Any = None
        self._publisher: Publisher | None = None
        self._workers: Workers | None = None
        self._about_configuration = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.reopen_configuration()
        await self._opened.aclose()

    @cached_property
    def db(self) -> Database:
        """One pool for all requests; connects by itself. Who has a connection of it waits for no other one."""
        return self._pool(_CONNECTIONS)

    @cached_property
    def patient_db(self) -> Database:
        """The pool of what keeps its connection while it waits for the gateway, for Kafka, or for one of `db`."""
        return self._pool(_CONNECTIONS)

    @cached_property
    def tokens_db(self) -> Database:
        """The pool in which tokens are looked up: who asks is known however busy the others are."""
        return self._pool(_TOKEN_CONNECTIONS)

    @cached_property
    def gateway(self) -> GatewayClient:
        """The gateway; connects by itself."""
        gateway = gateway_client(self.settings)
        self._opened.push_async_callback(gateway.aclose)
        return gateway

    def _pool(self, connections: int) -> Database:
        db = database(self.settings, connections=connections)
        self._opened.push_async_callback(db.close)
        return db

    async def producer(self) -> Any:
        """A producer whose records are acknowledged by all in-sync replicas; started."""
        async with self._opening:
            if self._producer is None:
                patience = {"request_timeout_ms": max(1, round(self._wait * 1000))}  # for each record too
                kafka = connection(self.settings) | patience
                starting = started(lambda: AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True))
                self._producer = await patiently(starting, self._wait, kafka_of(self.settings))
                self._opened.push_async_callback(self._producer.stop)
            return self._producer

    @cached_property
    def laboratory(self) -> Laboratory:
        """Where proposals are tried out, in a process of its own."""
        return Laboratory(self.settings)

    async def publisher(self) -> Publisher:
        """What brings the authored configuration into force: knows what is published, and reads on."""
        async with self._opening:
            if self._publisher is None:
                opening = self._about_configuration.enter_async_context(publishing(self.settings))
                self._publisher = await patiently(opening, self._wait, kafka_of(self.settings))
            return self._publisher

    async def workers(self) -> Workers:
        """What knows which workers live, and what each has put in force. Raises KafkaError."""
        async with self._opening:
            if self._workers is None:
                opening = self._about_configuration.enter_async_context(known_workers(self.settings))
                self._workers = await patiently(opening, self._wait, kafka_of(self.settings))
            return self._workers

    async def reopen_configuration(self) -> None:
        """Let go of the publisher and the workers, after an error of Kafka: the next who needs them gets fresh ones."""
        async with self._opening:
            self._publisher = self._workers = None
            await self._about_configuration.aclose()
            self._about_configuration = AsyncExitStack()
