"""Says on `config.applied` what this process has put in force, beside its work."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.applied import Applied
from streams.background import Background, Failed
from streams.topics import CONFIG_APPLIED

log = structlog.get_logger()

_WAIT: Final = 2.0
_AGAIN_AFTER: Final = 3600.0
"""Seconds: what was said is said again, well before the topic forgets it."""
_GOODBYE: Final = 2.0


class AppliedReports:
    """Takes positions at any time and writes the newest; while Kafka is away, they wait.

    A process that stops in order takes its report back; that of one that died is forgotten by the topic in time.
    """

    def __init__(
        self, kafka: Mapping[str, Any], worker: str, host: str, pid: int, failed: Failed | None = None
    ) -> None:
        """`kafka` are the arguments of every aiokafka client."""
        self._kafka = kafka
        self._said = Applied(worker=worker, host=host, pid=pid, at=datetime.now(UTC), positions={})
        self._news = asyncio.Event()
        self._work = Background("applied reports", failed)

    async def start(self) -> None:
        """Begin to write; returns at once."""
        self._work.start(self._write())

    async def stop(self) -> None:
        """Write no more, and take back what was said."""
        await self._work.stop()
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_GOODBYE), self._producer() as producer:
                await producer.send_and_wait(CONFIG_APPLIED, None, key=self._said.worker.encode())

    def tell(self, positions: Mapping[str, int]) -> None:
        """Say that all records before these positions are in force here."""
        self._said = msgspec.structs.replace(self._said, at=datetime.now(UTC), positions=dict(positions))
        self._news.set()

    async def _write(self) -> None:
        await self._news.wait()
        while True:
            try:
                async with self._producer() as producer:
                    while True:
                        self._news.clear()
                        said = self._said
                        await producer.send_and_wait(
                            CONFIG_APPLIED, msgspec.json.encode(said), key=said.worker.encode()
                        )
                        with suppress(TimeoutError):
                            async with asyncio.timeout(_AGAIN_AFTER):
                                await self._news.wait()
            except KafkaError as error:
                log.warning("applied_not_reported", error=str(error), retry_in_seconds=_WAIT)
            await asyncio.sleep(_WAIT)

    def _producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(**self._kafka, acks="all", enable_idempotence=True)
