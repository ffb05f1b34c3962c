"""Raw bytes to events, re-keyed so that equal keys meet in one partition."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from agents import metrics
from schemas import event_types, headers
from schemas.events import Event
from streams import topics
from streams.envelope import event_headers
from streams.normalization.blobs import Blob
from streams.normalization.errors import NormalizationError
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from streams.normalization.records import normalize
from streams.objects import ObjectStore
from streams.runtime import AgentFunction, Batch

SOURCES = (topics.RAW_WEBHOOK, topics.RAW_EVENT)
OUTPUTS = (topics.EVENT_NORMALIZED,)

_LARGE: Final = 262_144  # bytes of a body from which decoding would hold up the event loop
_PUTS_AT_ONCE: Final = 8

_encode = msgspec.json.Encoder().encode


def build(store: ObjectStore) -> AgentFunction:
    """The agent: takes raw records, emits events; what cannot be read goes to `dead.letter` by itself.

    Of a body that says several things, those that make an event do so, whatever is wrong with the others.
    Files that came inside of webhooks are in the store before their events leave.
    """

    async def normalizer(batch: Batch) -> None:
        blobs: list[Blob] = []
        noise: defaultdict[tuple[str | None, str], int] = defaultdict(int)
        async for record in batch:
            raw = RawRecord.of(record.topic, record.partition, record.offset, record.timestamp, record.headers)
            try:
                if len(record.value or b"") > _LARGE:
                    normalized = await asyncio.to_thread(normalize, record.topic, record.value, raw)
                else:
                    normalized = normalize(record.topic, record.value, raw)
            except NormalizationError as error:
                batch.reject(record, error)
                normalized = error.read
            if isinstance(normalized, Noise):
                noise[normalized.channel, normalized.kind] += 1
                continue
            for event, found in normalized:
                blobs.extend(found)
                _emit(batch, raw, event)
        if blobs:
            await _put(store, blobs)
        for (channel, kind), count in noise.items():
            metrics.count_noise(channel, kind, count)

    return normalizer


def _emit(batch: Batch, raw: RawRecord, event: Event) -> None:
    if event.event_type.startswith(event_types.UNKNOWN):
        metrics.count_unknown(event.event_type.removeprefix(event_types.UNKNOWN))
    said = event_headers(event, replay=raw.headers.get(headers.REPLAY), origin=raw.origin, redrive=raw.redrive)
    batch.emit(topics.EVENT_NORMALIZED, event.stream_key.encode(), _encode(event), said)


async def _put(store: ObjectStore, blobs: Iterable[Blob]) -> None:
    """Store each once, a few at a time; all are kept when this returns."""
    slots = asyncio.Semaphore(_PUTS_AT_ONCE)

    async def put(blob: Blob) -> None:
        async with slots:
            await store.put(blob)

    try:
        async with asyncio.TaskGroup() as group:
            for blob in {blob.ref: blob for blob in blobs}.values():
                group.create_task(put(blob))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # by its class the runtime knows whether to wait
