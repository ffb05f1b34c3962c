"""The log `delivery.status`: the sender's memory, written before it acts and read before it owns."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.deliveries import DeliveryFact
from streams import topics
from streams.consumers import stopped
from streams.envelope import headers_for
from streams.runtime import Headers, Out, Publisher

_SOURCE: Final = "posto.sender"
_encode: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(DeliveryFact)


class StatusLog(Protocol):
    """Facts by partition, in order; the partition is that of the command in `command.outbound`."""

    async def append(self, partition: int, facts: Sequence[DeliveryFact]) -> Sequence[int]:
        """Write facts; return their offsets once all in-sync replicas have them."""
        ...

    def read(self, partition: int, start: int) -> AsyncIterator[tuple[int, DeliveryFact]]:
        """The facts from an offset to the present end, with their offsets."""
        ...


class KafkaStatusLog:
    """The log in Kafka: written through the workers' producer, read by a consumer of no group, uncommitted."""

    def __init__(
        self, publisher: Publisher, connection: Mapping[str, Any], *, topic: str = topics.DELIVERY_STATUS
    ) -> None:
        """`connection`: keyword arguments that every aiokafka client takes."""
        self._publisher = publisher
        self._connection = connection
        self._topic = topic

    async def append(self, partition: int, facts: Sequence[DeliveryFact]) -> Sequence[int]:
        """Write facts; return their offsets once all in-sync replicas have them."""
        place = (self._topic, partition)
        outs = [Out(fact.channel.encode(), _encode(fact), _headers(fact)) for fact in facts]
        spans = (await self._publisher.publish({place: outs}))[place]
        return [offset for span in spans for offset in range(span.first, span.first + span.length)]

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


def _headers(fact: DeliveryFact) -> Headers:
    identity = (fact.command_id, fact.fact, str(fact.attempt), fact.ack or "")
    return headers_for(
        id=":".join(filter(None, identity)),
        type=f"delivery.{fact.fact}",
        source=_SOURCE,
        time=fact.at,
        trace_id=fact.trace_id,
        tenant_id=fact.tenant_id,
    )
