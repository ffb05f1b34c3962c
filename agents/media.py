"""Files that came without their bytes: fetched from the gateway, stored, and told as an update of their message."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec

from adapters.gateway import GatewayError, NotSent, Permanent
from adapters.objects import MAX_OBJECT_BYTES
from schemas import headers
from schemas.configuration import Channel
from schemas.events import Coordinates, Event
from schemas.gateway import MediaFile
from schemas.media import FetchMedia
from streams import media, topics
from streams.envelope import event_headers
from streams.errands.errand import Answer, Done, Emission, Errand, NotYet
from streams.errands.errands import Errands
from streams.letters import first_place
from streams.normalization import embedded
from streams.normalization.blobs import Blob
from streams.objects import ObjectStore
from streams.runtime import AgentFunction, Batch, Record, RecordTooLargeError
from streams.runtime.dead_letters import header
from streams.sending.book import command_key

SOURCES: Final = (topics.COMMAND_MEDIA,)
OUTPUTS: Final = ()

LARGEST_COMMAND: Final = 900_000
"""Bytes: a larger command might not fit, with what is added to it, into the table or back into event.normalized."""

_HOPELESS: Final = frozenset({"answer_too_large"})

_decode_command = msgspec.json.Decoder(FetchMedia).decode
_encode_event = msgspec.json.Encoder().encode


class Fetch(msgspec.Struct, frozen=True, array_like=True):
    """The body of an errand: the command, where its record lies, and whose replay it is, if it is one."""

    command: FetchMedia
    raw: Coordinates
    replay: bytes | None = None


_encode_body = msgspec.msgpack.Encoder().encode
_decode_body = msgspec.msgpack.Decoder(Fetch).decode


def build(errands: Errands, *, first_try: timedelta) -> AgentFunction:
    """The agent: makes an errand of each command, first due `first_try` after its message was received."""

    async def agent(batch: Batch) -> None:
        incoming: defaultdict[int, list[Errand]] = defaultdict(list)
        for record in batch.records:
            try:
                incoming[record.partition].append(_errand(record, first_try))
            except (ValueError, RecursionError, RecordTooLargeError) as error:
                batch.reject(record, error)
        await errands.take(incoming)

    return agent


def _errand(record: Record, first_try: timedelta) -> Errand:
    value = record.value or b""
    if len(value) > LARGEST_COMMAND:
        raise RecordTooLargeError(topics.EVENT_NORMALIZED, len(value), LARGEST_COMMAND)
    command = _decode_command(value)
    said = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    place = first_place(Coordinates(record.topic, record.partition, record.offset), dict(record.headers))
    return Errand(
        id=command_key(command.command_id),
        channel=command.channel,
        body=_encode_body(Fetch(command, place, header(record.headers, headers.REPLAY))),
        due=min(command.created_at, said) + first_try,
        trace_id=command.event.trace_id,
    )


class Gateway(Protocol):
    """The gateway, as far as files are fetched from it (`adapters.gateway.GatewayClient`)."""

    async def get_media(self, channel_id: str, message_id: str, *, request_id: str) -> MediaFile: ...


class Fetcher:
    """Fetches one file; `channels` finds a channel by its canonical id, for its exact spelling."""

    def __init__(self, gateway: Gateway, objects: ObjectStore, channels: Callable[[str], Channel | None]) -> None:
        self._gateway = gateway
        self._objects = objects
        self._channels = channels

    async def attempt(self, errand: Errand, /) -> Answer:
        """Try once; an error of the store is for the runner to wait out."""
        fetch = _decode_body(errand.body)
        command = fetch.command
        channel = self._channels(command.channel)
        if channel is None or not channel.is_enabled:
            return NotYet("channel_not_enabled")
        request_id = f"{command.command_id}:{errand.attempts + 1}"
        try:
            file = await self._gateway.get_media(channel.channel_id, command.message_id, request_id=request_id)
        except NotSent as error:
            return NotYet(error.reason, error.retry_after)
        except GatewayError as error:
            if isinstance(error, Permanent) or error.reason in _HOPELESS:
                return _failed(fetch, error.reason)
            return NotYet(error.reason)
        data = await asyncio.to_thread(embedded.decode, file.media_base64)
        if data is None:
            return NotYet("not_base64")
        if len(data) > MAX_OBJECT_BYTES:
            return _failed(fetch, "too_large")
        blob = await asyncio.to_thread(Blob.of, data, media.type_of(command.event, file.mime_type, data))
        await self._objects.put(blob)
        event = media.ready(command.event, fetch.raw, ref=blob.ref, mimetype=blob.media_type, size=len(data))
        return Done((_told(fetch, event),))

    def give_up(self, errand: Errand, reason: str, /) -> Done:
        """The file counts as failed; its message says why."""
        return _failed(_decode_body(errand.body), reason)


def _failed(fetch: Fetch, reason: str) -> Done:
    return Done((_told(fetch, media.failed(fetch.command.event, fetch.raw, reason)),), reason)


def _told(fetch: Fetch, event: Event) -> Emission:
    said = event_headers(event, replay=fetch.replay)
    return Emission(topics.EVENT_NORMALIZED, event.stream_key.encode(), _encode_event(event), said)
