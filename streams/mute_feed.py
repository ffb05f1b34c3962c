"""The mutes of all conversations, as `conversation.mute` tells them: what senders learn, every worker knows soon."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.mutes import Mute
from streams.background import Background, Failed
from streams.consumers import stopped
from streams.mutes import Mutes
from streams.runtime.publisher import Out
from streams.topics import CONVERSATION_MUTE

log = structlog.get_logger()

_PLACE: Final = TopicPartition(CONVERSATION_MUTE, 0)
_WAIT: Final = 2.0
_READ_MS: Final = 1_000
_decode: Final = msgspec.json.Decoder(Mute).decode


class MuteFeed:
    """Follows the topic in the background. A broker that is away is waited for; the sender looks once more anyway."""

    def __init__(self, kafka: Mapping[str, Any], failed: Failed | None = None) -> None:
        """`kafka` are the arguments of every aiokafka client."""
        self._kafka = kafka
        self._mutes = Mutes()
        self._is_ready = asyncio.Event()
        self._work = Background("mute feed", failed)

    async def start(self) -> None:
        """Begin to follow; returns at once."""
        self._work.start(self._follow())

    async def ready(self) -> None:
        """Return once all that was told before is known."""
        await self._work.until(self._is_ready)

    async def stop(self) -> None:
        """End the feed."""
        await self._work.stop()

    def hear(self, mute: Mute) -> bool:
        """Know a mute at once that is on its way."""
        return self._mutes.hear(mute)

    def reason(
        self, conversations: Sequence[str | None], asked_at: datetime, event_id: str | None, now: datetime
    ) -> str | None:
        """Why an AI must not answer a question; None where it may."""
        return self._mutes.reason(conversations, asked_at, event_id, now)

    async def _follow(self) -> None:
        while True:
            consumer = AIOKafkaConsumer(
                **self._kafka, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
            )
            try:
                await consumer.start()
                consumer.assign([_PLACE])
                await self._read(consumer)
            except KafkaError as error:
                log.warning("mutes_not_readable", error=str(error), retry_in_seconds=_WAIT)
            finally:
                await stopped(consumer)
            await asyncio.sleep(_WAIT)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        end = (await consumer.end_offsets([_PLACE]))[_PLACE]
        while True:
            if await consumer.position(_PLACE) >= end:
                self._is_ready.set()
            for record in (await consumer.getmany(_PLACE, timeout_ms=_READ_MS)).get(_PLACE, ()):
                self._learn(record.value)
            for _ in self._mutes.forget(datetime.now(UTC)):
                pass

    def _learn(self, value: bytes | None) -> None:
        try:
            self._mutes.hear(_decode(value or b""))
        except ValueError:
            log.warning("mute_unreadable", hint="a stranger wrote to conversation.mute")


class Publisher(Protocol):
    """Writes records (`streams.runtime.Publisher`)."""

    async def publish(self, outs: Mapping[tuple[str, int], Sequence[Out]]) -> Any: ...


class MuteTeller:
    """Writes what a sender learned, beside its work; what a crash loses of it, the sender itself still knows."""

    def __init__(self, publisher: Publisher, heard: Callable[[Mute], object]) -> None:
        self._publisher = publisher
        self._heard = heard
        self._telling: set[asyncio.Task[Any]] = set()

    def tell(self, mute: Mute) -> None:
        """Let every worker know, this one at once."""
        self._heard(mute)
        out = Out(mute.conversation_id.encode(), msgspec.json.encode(mute), [])
        task = asyncio.create_task(self._publisher.publish({(_PLACE.topic, _PLACE.partition): [out]}))
        self._telling.add(task)
        task.add_done_callback(self._told)

    def _told(self, task: "asyncio.Task[Any]") -> None:
        self._telling.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("mute_not_told", error=str(error))
