"""`POST /api/whatsapp/webhook`: the gateway's bodies, kept byte for byte."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, Never

import msgspec
from starlette.types import Receive, Scope, Send

from adapters.edge import bodies, tracing
from adapters.edge.arrivals import Arrival, new_raw_id
from adapters.edge.authentication import Secrets
from adapters.edge.log import Entry, Log
from adapters.edge.problems import MALFORMED, ProblemError
from adapters.edge.responses import accepted
from adapters.edge.settings import MEBIBYTE, EdgeSettings
from schemas.api import WebhookAccepted
from streams import topics
from streams.normalization.raw import cheap_channel

PATH: Final = "/api/whatsapp/webhook"

_SECRET_HEADERS: Final = ("X-Webhook-Secret", "X-Gateway-Secret")
_LARGE: Final = MEBIBYTE
"""Bytes from which on a body is looked at off the event loop; below, that takes under a millisecond."""


class _Envelope(msgspec.Struct):
    """The one field that is wanted; the rest is skipped, which checks its syntax."""

    correlation_id: Any = None


_decode = msgspec.json.Decoder(_Envelope | list[msgspec.Raw]).decode


class Webhook:
    """Takes a webhook into `raw.webhook` and answers once it is kept.

    The engine posts each webhook once, so whatever may be one is kept, and what it means is decided later.
    """

    def __init__(self, settings: EdgeSettings, log: Log, reader: bodies.BodyReader) -> None:
        self._secrets = Secrets(settings.webhook_secrets, _SECRET_HEADERS, 'X-Webhook-Secret realm="webhook"')
        self._log = log
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        self._secrets.check(headers)
        if not bodies.is_json(media := bodies.media_type(headers)):
            raise bodies.unsupported(media, "application/json")
        async with self._reader.body(headers, receive) as body:
            answer = await self._keep(scope, headers, body)
        await accepted(send, answer)

    async def _keep(self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes) -> bytes:
        arrival = Arrival(PATH, headers)
        correlation_id = await asyncio.to_thread(look_into, body) if len(body) > _LARGE else look_into(body)
        trace = tracing.from_headers(headers) or tracing.named(correlation_id) or tracing.made()
        scope[tracing.TRACE_ID] = trace.trace_id
        raw_id = new_raw_id()
        channel = cheap_channel(body)
        key = None if channel is None else channel.encode()
        await self._log.append([Entry(topics.RAW_WEBHOOK, key, body, arrival.record_headers(raw_id, trace))])
        return WebhookAccepted(raw_id=raw_id, trace_id=trace.trace_id).encoded()


def look_into(body: bytes) -> object:
    """The gateway's correlation id, if the body has one; a problem where it is no JSON object or array."""
    if not body.strip():
        raise ProblemError(MALFORMED, "The body is empty.")
    try:
        found = _decode(body)
    except RecursionError:
        return None
    except msgspec.ValidationError:
        raise ProblemError(MALFORMED, "The body is JSON, but neither an object nor an array.") from None
    except msgspec.DecodeError as error:
        _require_odd_json(body, error)
        return None
    return found.correlation_id if isinstance(found, _Envelope) else None


def _require_odd_json(body: bytes, error: msgspec.DecodeError) -> None:
    """Let through what is JSON to a more patient reader, such as half a surrogate pair where a text was cut."""
    try:
        found = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProblemError(MALFORMED, f"The body is not JSON: {error}.") from None
    if not isinstance(found, dict | list):
        raise ProblemError(MALFORMED, "The body is JSON, but neither an object nor an array.")


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
