"""The gateway's HTTP API (field notes §4), each failure as one of three errors."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

import httpx
from pydantic import ValidationError

from adapters.gateway.classification import HttpAnswer, failure_of_answer, failure_of_exception
from adapters.gateway.connections import Connections
from adapters.gateway.errors import NotSent, Permanent, Unknown
from adapters.gateway.requests import channel_path, checked_url, encoded, escaped, header_text
from adapters.gateway.timeouts import Call, Timeouts
from schemas.gateway import (
    Answer,
    Channel,
    ChannelAnswer,
    ChannelCreated,
    ChannelList,
    CreateChannel,
    LidEntry,
    MediaFile,
    SendReceipt,
    SendText,
    SetWebhook,
    WebhookSet,
)
from schemas.gateway_qr import QrCode

MAX_ANSWER_BYTES: Final = 2_097_152
MAX_MEDIA_ANSWER_BYTES: Final = 22_500_000
"""Base64 of 16 MB, and what stands around it."""
MAX_CONNECTIONS: Final = 128

_parsed: Final = lru_cache(maxsize=1024)(httpx.URL)

_AnswerT = TypeVar("_AnswerT", bound=Answer)


class GatewayClient:
    """One gateway behind its connections: `async with GatewayClient(base_url, secret) as gateway`.

    Every call raises `NotSent`, `Permanent` or `Unknown`, and no exception of the libraries below; an address or a
    secret that can never work is `Permanent` at once. Channel ids go out
    in exactly the spelling given. `request_id` becomes `X-Request-Id`, and is made where it is not given. Proxies and
    logins named by the environment are not used: the secret goes to `base_url` and nowhere else.
    """

    def __init__(
        self,
        base_url: str,
        secret: str,
        *,
        max_connections: int = MAX_CONNECTIONS,
        timeouts: Timeouts | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_media_answer_bytes: int = MAX_MEDIA_ANSWER_BYTES,
    ) -> None:
        if not secret.isprintable():
            raise Permanent("invalid_secret", said="The secret holds a character that no header can carry.")
        self._base_url = checked_url(base_url)
        self._secret = secret.strip()
        self._timeouts = timeouts or Timeouts()
        self._max_answer_bytes = max_answer_bytes
        self._max_media_answer_bytes = max_media_answer_bytes
        self._connections = Connections(max_connections)
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; a call under way fails with `Unknown`, a later one with `NotSent`."""
        self._is_closed = True
        await self._connections.aclose()

    async def list_channels(self, *, request_id: str | None = None) -> ChannelList:
        """All channels and their states; the gateway may take a minute."""
        return await self._call(Call.LIST_CHANNELS, ChannelList, "/api/channels", request_id=request_id)

    async def create_channel(self, channel_id: str, *, request_id: str | None = None) -> ChannelCreated:
        """Create a channel, or start it again; mostly its QR code is to be scanned next."""
        body = encoded(CreateChannel, channel=channel_id)
        return await self._call(Call.CREATE_CHANNEL, ChannelCreated, "/api/channels", body, request_id=request_id)

    async def get_channel(self, channel_id: str, *, request_id: str | None = None) -> Channel:
        """One channel and its state."""
        answer = await self._call(Call.GET_CHANNEL, ChannelAnswer, channel_path(channel_id), request_id=request_id)
        return answer.channel

    async def get_qr(self, channel_id: str, *, request_id: str | None = None) -> QrCode:
        """The QR code of a channel: a success without an image means not ready yet (up to 60 s), or connected."""
        return await self._call(Call.GET_QR, QrCode, channel_path(channel_id, "/qr"), request_id=request_id)

    async def send_text(
        self,
        channel_id: str,
        to: str,
        text: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        request_id: str | None = None,
    ) -> SendReceipt:
        """Hand one text to the gateway, once: nothing is ever repeated here."""
        body = encoded(SendText, channel=channel_id, to=to, text=text, metadata=metadata)
        return await self._call(Call.SEND_TEXT, SendReceipt, "/api/messages", body, request_id=request_id)

    async def look_up_lid(self, channel_id: str, lid: str, *, request_id: str | None = None) -> LidEntry:
        """The phone behind a lid (`...@lid`), as far as the channel knows it.

        The domain is not left out: the engine takes bare digits for a phone, and says them back as one.
        """
        path = f"/api/{escaped(channel_id)}/contact/pn-lid/{escaped(lid)}"
        return await self._call(Call.LOOK_UP_LID, LidEntry, path, request_id=request_id)

    async def get_media(self, channel_id: str, message_id: str, *, request_id: str | None = None) -> MediaFile:
        """The file of a message, by its full id; `NotSent` with `media_not_found` while the gateway has none."""
        path = f"/api/media/{escaped(channel_id)}/{escaped(message_id)}"
        return await self._call(Call.GET_MEDIA, MediaFile, path, request_id=request_id)

    async def set_channel_webhook(
        self, channel_id: str, url: str, secret: str | None = None, *, request_id: str | None = None
    ) -> WebhookSet:
        """Tell the gateway where the webhooks of one channel go, and which secret they carry."""
        return await self._set_webhook(
            Call.SET_CHANNEL_WEBHOOK, channel_path(channel_id, "/webhook"), url, secret, request_id=request_id
        )

    async def set_global_webhook(
        self, url: str, secret: str | None = None, *, request_id: str | None = None
    ) -> WebhookSet:
        """Tell the gateway where the webhooks go of every channel without an address of its own."""
        return await self._set_webhook(Call.SET_GLOBAL_WEBHOOK, "/api/webhooks", url, secret, request_id=request_id)

    async def _set_webhook(
        self, call: Call, path: str, url: str, secret: str | None, *, request_id: str | None
    ) -> WebhookSet:
        body = encoded(SetWebhook, url=url, secret=secret)
        return await self._call(call, WebhookSet, path, body, request_id=request_id, secrets=(secret or "",))

    async def _call(
        self,
        call: Call,
        answer_type: type[_AnswerT],
        path: str,
        body: bytes | None = None,
        *,
        request_id: str | None,
        secrets: tuple[str, ...] = (),
    ) -> _AnswerT:
        """Make one request and read its answer, or raise what its failure means."""
        request_id = header_text(request_id or str(uuid4()))
        if self._is_closed:
            raise NotSent("client_closed", request_id=request_id)
        try:
            async with asyncio.timeout(self._timeouts.deadline(call)):
                answer = await self._exchange(call, path, body, request_id)
        except Exception as error:
            raise failure_of_exception(error, request_id) from error
        failure = failure_of_answer(
            answer,
            is_send=call.is_send,
            now=datetime.now(UTC),
            secrets=(self._secret, *secrets),
            request_id=request_id,
        )
        if failure is not None:
            raise failure
        try:
            return answer_type.model_validate(answer.json)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            said = f"The answer lacks or garbles: {fields}"
            raise Unknown("unexpected_body", status=answer.status, said=said, request_id=request_id) from error

    async def _exchange(self, call: Call, path: str, body: bytes | None, request_id: str) -> HttpAnswer:
        """Straight to the connections: what httpx's client would add (cookies, redirects, logins) is not wanted, and
        took a fifth of a send."""
        headers = {
            b"X-Gateway-Secret": self._secret.encode(),
            b"X-Request-Id": request_id.encode(),
            b"User-Agent": b"posto",
            b"Accept": b"application/json",
            b"Accept-Encoding": b"identity",  # the size limit counts the bytes that are held
        }
        if body is not None:
            headers[b"Content-Type"] = b"application/json"
        request = httpx.Request(
            "GET" if body is None else "POST",
            _parsed(self._base_url + path),
            content=body,
            headers=headers,
            extensions={"timeout": self._timeouts.of(call).as_dict()},
        )
        response = await self._connections.handle_async_request(request)
        try:
            limit = self._max_media_answer_bytes if call is Call.GET_MEDIA else self._max_answer_bytes
            content, is_complete = await self._read(response, limit)
            return HttpAnswer(response.status_code, response.headers, content, is_complete)
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response, limit: int) -> tuple[bytes, bool]:
        """The body up to the size limit, and whether that was all of it.

        An error's status is enough to know what it means, so a body of it that breaks off is no failure of its own.
        """
        content = bytearray()
        try:
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > limit:
                    return bytes(content[:limit]), False
        except httpx.TransportError:
            if response.is_success:
                raise
            return bytes(content), False
        return bytes(content), True


__all__ = ["MAX_ANSWER_BYTES", "MAX_CONNECTIONS", "GatewayClient"]
