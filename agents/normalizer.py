"""Raw bytes to events, re-keyed so that equal keys meet in one partition."""

from collections.abc import Sequence

import msgspec

from agents import metrics
from schemas import headers
from schemas.events import Event
from streams import topics
from streams.envelope import headers_for
from streams.normalization import events, webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from streams.runtime import AgentFunction, Batch, Record

SOURCES = (topics.RAW_WEBHOOK, topics.RAW_EVENT)
OUTPUTS = (topics.EVENT_NORMALIZED,)

_encode = msgspec.json.Encoder().encode


def build() -> AgentFunction:
    """The agent: takes raw records, emits events; what cannot be read goes to `dead.letter` by itself."""

    async def normalizer(batch: Batch) -> None:
        for record in batch.records:
            raw = RawRecord.of(record.topic, record.partition, record.offset, record.timestamp, record.headers)
            try:
                normalized = _normalize(record, raw)
            except ValueError as error:
                batch.reject(record, error)
                continue
            replay = raw.headers.get(headers.REPLAY)
            for event in normalized:
                batch.emit(
                    topics.EVENT_NORMALIZED,
                    event.stream_key.encode(),
                    _encode(event),
                    headers_for(
                        id=event.event_id,
                        type=event.event_type,
                        source=event.source_system,
                        time=event.occurred_at,
                        trace_id=event.trace_id,
                        tenant_id=event.tenant_id,
                        replay=replay,
                    ),
                )

    return normalizer


def _normalize(record: Record, raw: RawRecord) -> Sequence[Event]:
    if record.topic == topics.RAW_EVENT:
        return (events.normalize(record.value, raw),)
    found = webhooks.normalize(record.value, raw)
    if isinstance(found, Noise):
        metrics.count_noise(found.channel, found.kind)
        return ()
    return found
