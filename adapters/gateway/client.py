"""The gateway's HTTP API (field notes §4), each failure as one of three errors."""

import asyncio
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import ValidationError

from adapters.gateway.classification import HttpAnswer, failure_of_answer, failure_of_exception
from adapters.gateway.errors import NotSent, Permanent, Unknown
from adapters.gateway.timeouts import Call, Timeouts
from adapters.gateway.tls import tls_context
from adapters.gateway.wording import sanitized
from schemas.gateway import (
    Answer,
    Body,
    Channel,
    ChannelAnswer,
    ChannelCreated,
    ChannelList,
    CreateChannel,
    LidEntry,
    QrCode,
    SendReceipt,
    SendText,
    SetWebhook,
    WebhookSet,
)

MAX_ANSWER_BYTES: Final = 2_097_152
KEEPALIVE_SECONDS: Final = 3.0
"""Less than the 5 s after which a Node server closes an idle connection: a request that meets the closing one is lost
with its outcome unknown."""

DEFAULT_LIMITS: Final = httpx.Limits(
    max_connections=128, max_keepalive_connections=64, keepalive_expiry=KEEPALIVE_SECONDS
)

_MAX_REQUEST_ID: Final = 200

_AnswerT = TypeVar("_AnswerT", bound=Answer)


class GatewayClient:
    """One gateway behind one connection pool: `async with GatewayClient(base_url, secret) as gateway`.

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
        limits: httpx.Limits = DEFAULT_LIMITS,
        timeouts: Timeouts | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        if not secret.isprintable():
            raise Permanent("invalid_secret", said="The secret holds a character that no header can carry.")
        self._base_url = _checked(base_url)
        self._secret = secret.strip()
        self._timeouts = timeouts or Timeouts()
        self._max_answer_bytes = max_answer_bytes
        self._http = httpx.AsyncClient(verify=tls_context(), limits=limits, follow_redirects=False, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; a call under way fails with `Unknown`, a later one with `NotSent`."""
        await self._http.aclose()

    async def list_channels(self, *, request_id: str | None = None) -> ChannelList:
        """All channels and their states; the gateway may take a minute."""
        return await self._call(Call.LIST_CHANNELS, ChannelList, "/api/channels", request_id=request_id)

    async def create_channel(self, channel_id: str, *, request_id: str | None = None) -> ChannelCreated:
        """Create a channel, or start it again; mostly its QR code is to be scanned next."""
        body = _encoded(CreateChannel, channel=channel_id)
        return await self._call(Call.CREATE_CHANNEL, ChannelCreated, "/api/channels", body, request_id=request_id)

    async def get_channel(self, channel_id: str, *, request_id: str | None = None) -> Channel:
        """One channel and its state."""
        answer = await self._call(Call.GET_CHANNEL, ChannelAnswer, _path(channel_id), request_id=request_id)
        return answer.channel

    async def get_qr(self, channel_id: str, *, request_id: str | None = None) -> QrCode:
        """The QR code of a channel: a success without an image means not ready yet (up to 60 s), or connected."""
        return await self._call(Call.GET_QR, QrCode, _path(channel_id, "/qr"), request_id=request_id)

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
        body = _encoded(SendText, channel=channel_id, to=to, text=text, metadata=metadata)
        return await self._call(Call.SEND_TEXT, SendReceipt, "/api/messages", body, request_id=request_id)

    async def look_up_lid(self, channel_id: str, lid: str, *, request_id: str | None = None) -> LidEntry:
        """The phone behind a lid (`...@lid`), as far as the channel knows it.

        The domain is not left out: the engine takes bare digits for a phone, and says them back as one.
        """
        path = f"/api/{_escaped(channel_id)}/contact/pn-lid/{_escaped(lid)}"
        return await self._call(Call.LOOK_UP_LID, LidEntry, path, request_id=request_id)

    async def set_channel_webhook(
        self, channel_id: str, url: str, secret: str | None = None, *, request_id: str | None = None
    ) -> WebhookSet:
        """Tell the gateway where the webhooks of one channel go, and which secret they carry."""
        return await self._set_webhook(
            Call.SET_CHANNEL_WEBHOOK, _path(channel_id, "/webhook"), url, secret, request_id=request_id
        )

    async def set_global_webhook(
        self, url: str, secret: str | None = None, *, request_id: str | None = None
    ) -> WebhookSet:
        """Tell the gateway where the webhooks go of every channel without an address of its own."""
        return await self._set_webhook(Call.SET_GLOBAL_WEBHOOK, "/api/webhooks", url, secret, request_id=request_id)

    async def _set_webhook(
        self, call: Call, path: str, url: str, secret: str | None, *, request_id: str | None
    ) -> WebhookSet:
        body = _encoded(SetWebhook, url=url, secret=secret)
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
        request_id = _header_text(request_id or str(uuid4()))
        if self._http.is_closed:
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
        headers = {
            b"X-Gateway-Secret": self._secret.encode(),
            b"X-Request-Id": request_id.encode(),
            b"Accept": b"application/json",
            b"Accept-Encoding": b"identity",  # the size limit counts the bytes that are held
        }
        if body is not None:
            headers[b"Content-Type"] = b"application/json"
        async with self._http.stream(
            "GET" if body is None else "POST",
            self._base_url + path,
            content=body,
            headers=headers,
            timeout=self._timeouts.of(call),
        ) as response:
            content, is_complete = await self._read(response)
            return HttpAnswer(response.status_code, response.headers, content, is_complete)

    async def _read(self, response: httpx.Response) -> tuple[bytes, bool]:
        """The body up to the size limit, and whether that was all of it.

        An error's status is enough to know what it means, so a body of it that breaks off is no failure of its own.
        """
        content = bytearray()
        try:
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > self._max_answer_bytes:
                    return bytes(content[: self._max_answer_bytes]), False
        except httpx.TransportError:
            if response.is_success:
                raise
            return bytes(content), False
        return bytes(content), True


def _checked(base_url: str) -> str:
    """The address without a slash at its end; `Permanent` where it is none."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise Permanent("invalid_url", said=sanitized(str(error))) from error
    if url.scheme not in {"http", "https"} or not url.host or not 0 < (url.port or 80) < 65_536:
        raise Permanent("invalid_url", said=f"{sanitized(base_url)} is no address such as http://127.0.0.1:8090")
    return base_url.rstrip("/")


def _encoded(body_type: type[Body], **fields: Any) -> bytes:
    """The JSON of a request body; `Permanent` where it has none: no later call will do better."""
    try:
        return body_type(**fields).encoded()
    except (ValueError, TypeError, RecursionError) as error:  # pydantic's errors are ValueErrors
        said = f"The request body has no JSON form ({type(error).__name__})"
        raise Permanent("invalid_body", said=said) from error


def _path(channel_id: str, suffix: str = "") -> str:
    """The path of a channel, its id escaped; `Permanent` for an id that would name something else."""
    return f"/api/channels/{_escaped(channel_id)}{suffix}"


def _escaped(part: str) -> str:
    """An id as one part of a path; `Permanent` for one that would name something else."""
    if not part.strip(" ."):
        raise Permanent("invalid_id", said=f"{part!r} is no id")
    try:
        return quote(part, safe="")
    except UnicodeEncodeError as error:
        raise Permanent("invalid_id", said=f"{part!r} is no id") from error


def _header_text(request_id: str) -> str:
    """A request id that a header can carry: anything but visible ASCII escaped, and bounded."""
    return quote(request_id, safe=string.punctuation, errors="replace")[:_MAX_REQUEST_ID]


__all__ = ["DEFAULT_LIMITS", "KEEPALIVE_SECONDS", "MAX_ANSWER_BYTES", "GatewayClient"]
