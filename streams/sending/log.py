"""The log `delivery.status`: the sender's memory, claimed before it is read, and written before anything is done."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.deliveries import DeliveryFact
from streams import topics
from streams.consumers import stopped
from streams.envelope import headers_for
from streams.runtime import BrokenInvariantError, Headers, Out
from streams.sending.claim import Claim

_SOURCE: Final = "posto.sender"
_encode: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(DeliveryFact)


class StatusLog(Protocol):
    """Facts by partition, in order; the partition is that of the command in `command.outbound`."""

    async def claim(self, partition: int) -> None:
        """Become the one who may append to a partition: from here on, no former owner can."""
        ...

    async def append(self, partition: int, facts: Sequence[DeliveryFact]) -> Sequence[int]:
        """Write facts; return their offsets once all in-sync replicas have them.

        OwnershipLostError where somebody else has claimed the partition; whether they were written is not known then.
        """
        ...

    def read(self, partition: int, start: int) -> AsyncIterator[tuple[int, DeliveryFact]]:
        """The facts from an offset to the present end, with their offsets."""
        ...

    async def let_go(self, partition: int) -> None:
        """End the claim; nothing where there is none."""
        ...


class KafkaStatusLog:
    """The log in Kafka: each partition written under a claim, read by a consumer of no group, uncommitted."""

    def __init__(self, connection: Mapping[str, Any], *, topic: str = topics.DELIVERY_STATUS) -> None:
        """`connection`: keyword arguments that every aiokafka client takes."""
        self._connection = connection
        self._topic = topic
        self._claims: dict[int, Claim] = {}

    async def claim(self, partition: int) -> None:
        """Become the one who may append to a partition, of all hubs that share the topic."""
        await self.let_go(partition)
        name = f"{topics.APP_ID}.sender.{self._topic}.{partition}"
        self._claims[partition] = await Claim.stake(self._connection, name, self._topic, partition)

    async def append(self, partition: int, facts: Sequence[DeliveryFact]) -> Sequence[int]:
        """Write facts; return their offsets once all in-sync replicas have them."""
        claim = self._claims.get(partition)
        if claim is None:
            raise BrokenInvariantError(f"{self._topic}/{partition} was not claimed")
        return await claim.append([record_of(fact) for fact in facts])

    async def let_go(self, partition: int) -> None:
        """End the claim; nothing where there is none."""
        if claim := self._claims.pop(partition, None):
            await claim.let_go()

    async def read(self, partition: int, start: int) -> AsyncIterator[tuple[int, DeliveryFact]]:
        """The facts from an offset to the present end; from the beginning where the log ends before that offset."""
        consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_uncommitted",
            auto_offset_reset="earliest",
        )
        place = TopicPartition(self._topic, partition)
        consumer.assign([place])
        await consumer.start()
        try:
            end = (await consumer.end_offsets([place]))[place]
            beginning = (await consumer.beginning_offsets([place]))[place]
            consumer.seek(place, max(beginning, start if start <= end else beginning))
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    for record in records:
                        if record.offset < end and record.value is not None:
                            yield record.offset, _decoder.decode(record.value)
        finally:
            await stopped(consumer)


def record_of(fact: DeliveryFact) -> Out:
    """A fact as it lies in the log."""
    return Out(fact.channel.encode(), _encode(fact), _headers(fact))


def _headers(fact: DeliveryFact) -> Headers:
    identity = (fact.command_id, fact.fact, str(fact.attempt), fact.ack or fact.decision or "")
    return headers_for(
        id=":".join(filter(None, identity)),
        type=f"delivery.{fact.fact}",
        source=_SOURCE,
        time=fact.at,
        trace_id=fact.trace_id,
        tenant_id=fact.tenant_id,
    )
