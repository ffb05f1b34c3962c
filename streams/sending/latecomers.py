"""Answers that came after their owner had lost the partition: told as evidence, to whoever owns it now."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from schemas.commands import Command
from schemas.deliveries import Evidence
from streams import failpoints, topics
from streams.envelope import headers_for
from streams.partitions import partition_of
from streams.runtime import Out, Publisher
from streams.sending.clock import Clock
from streams.sending.inputs import Answer
from streams.sending.late_answers import evidence_of

log = structlog.get_logger()

_SOURCE: Final = "posto.sender"
_encode: Final = msgspec.json.Encoder().encode


class Tell(Protocol):
    """Writes evidence, for whoever owns the command's partition; returns once all in-sync replicas have it."""

    async def __call__(self, evidence: Evidence, tenant_id: int, /) -> None: ...


class Begun(NamedTuple):
    """An attempt as its owner recorded it; `at` is the time of the fact that says so."""

    command: Command
    attempt: int
    at: datetime


class Latecomers:
    """What a worker still waits for on behalf of partitions that it no longer owns."""

    def __init__(self, tell: Tell, clock: Clock) -> None:
        self._tell = tell
        self._clock = clock
        self._waiting: set[asyncio.Task[None]] = set()

    def expect(self, begun: Begun, answer: Awaitable[Answer]) -> asyncio.Task[None]:
        """Tell the answer of an attempt once it is there; the task is done then."""
        task = asyncio.create_task(self._see_in(begun, answer))
        self._waiting.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("late_answer_untold", error=repr(error))

    async def _see_in(self, begun: Begun, awaited: Awaitable[Answer]) -> None:
        answer = await awaited
        evidence = evidence_of(begun.command, answer, self._clock.now(), began=begun.at)
        failpoints.reach("sender.late_answer")
        await self._tell(evidence, begun.command.tenant_id)
        failpoints.reach("sender.late_answer_told")
        log.info(
            "late_answer",
            command_id=begun.command.command_id,
            trace_id=begun.command.trace_id,
            channel=begun.command.channel,
            attempt=begun.attempt,
            answer=type(answer).__name__,
        )


def by_publisher(publisher: Publisher) -> Tell:
    """Tell by the workers' ordinary producer, which no owner of a partition can be refused."""

    async def tell(evidence: Evidence, tenant_id: int) -> None:
        key = (evidence.channel or "").encode()
        headers = headers_for(
            id=f"{evidence.command_id}:late_answer:{evidence.attempt}",
            type="delivery.late_answer",
            source=_SOURCE,
            time=evidence.at,
            trace_id=evidence.trace_id,
            tenant_id=tenant_id,
        )
        partition = partition_of(key, await publisher.partitions(topics.DELIVERY_EVIDENCE))
        await publisher.publish({(topics.DELIVERY_EVIDENCE, partition): [Out(key, _encode(evidence), headers)]})

    return tell
