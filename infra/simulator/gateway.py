"""The gateway's API as observed (field notes §4), over the simulated state."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from infra.simulator.answers import fault_answer, refusal
from infra.simulator.bodies import BadBody, NewChannel, NewWebhook, Outgoing, checked, read_json
from infra.simulator.config import SimulatorConfig
from infra.simulator.connections import DroppedConnection
from infra.simulator.emissions import Emission, plan_sent
from infra.simulator.faults import Fault, FaultBook, FaultKind, Route
from infra.simulator.pairing import held
from infra.simulator.state import Message, SimulatedChannel, State, Webhook, chat_id, new_message_id
from infra.simulator.webhooks import WebhookPoster

CHANNEL_NOT_FOUND: Final = "Canal não encontrado"
_MIME_TYPES: Final = {"audio": "audio/ogg", "image": "image/jpeg", "video": "video/mp4", "document": "application/pdf"}
_TYPES: Final = {"text": "chat", "audio": "ptt"}
_MAX_AUDIO_CHARACTERS: Final = 22_369_624  # base64 of 16 MB

Handler = Callable[[Request, Any, Sequence[Fault]], Awaitable[Response]]


class Gateway:
    """The routes under `/api`."""

    def __init__(self, state: State, config: SimulatorConfig, faults: FaultBook, webhooks: WebhookPoster) -> None:
        self._state = state
        self._config = config
        self._faults = faults
        self._webhooks = webhooks

    def routes(self) -> list[HttpRoute]:
        """The API, each route behind the secret and the faults that are set for it."""
        return [
            self._route("GET", "/api/channels", Route.LIST_CHANNELS, self.list_channels),
            self._route("POST", "/api/channels", Route.CREATE_CHANNEL, self.create_channel),
            self._route("GET", "/api/channels/{channel}", Route.GET_CHANNEL, self.get_channel),
            self._route("GET", "/api/channels/{channel}/qr", Route.QR, self.qr),
            self._route("POST", "/api/channels/{channel}/webhook", Route.CHANNEL_WEBHOOK, self.set_channel_webhook),
            self._route("POST", "/api/messages", Route.MESSAGES, self.send),
            self._route("POST", "/api/webhooks", Route.GLOBAL_WEBHOOK, self.set_global_webhook),
            self._route("GET", "/api/media/{channel}/{message_id}", Route.MEDIA, self.media),
            self._route("GET", "/api/{channel}/contact/pn-lid/{lid}", Route.PN_LID, self.pn_lid),
        ]

    async def list_channels(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """All channels, flat."""
        channels = [channel.shown() for channel in self._state.channels.values()]
        return JSONResponse({"success": True, "channels": channels, "total": len(channels)})

    async def create_channel(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """Make a channel, or start the one there is."""
        channel_id = checked(NewChannel, body, 400).channel
        channel = self._state.channels.get(channel_id)
        if channel is None or channel.status == "disconnected":
            channel = self._state.set_channel(channel_id, "qr_required")
        return JSONResponse({"success": True, "channel": channel_id, "qr_required": channel.status != "connected"})

    async def get_channel(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """One channel, nested."""
        return JSONResponse({"success": True, "channel": self._channel(request).shown()})

    async def qr(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """The QR code of a channel that waits for it; of a disconnected one: success, and none ready."""
        channel = self._channel(request)
        shape = self._config.qr_shape
        if channel.status == "connected" or shape == "null":
            return JSONResponse({"qr": None, "status": "CONNECTED"})
        if channel.status != "qr_required" or shape == "not_ready":
            return JSONResponse({"success": True, "status": channel.status})
        text = self._state.codes.of(channel.id, time.monotonic(), self._config.qr_seconds)
        return JSONResponse({"success": True, **held(text, self._config)})

    async def set_channel_webhook(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """The webhook of one channel."""
        webhook = checked(NewWebhook, body, 400)
        self._state.set_webhook(self._channel(request), Webhook(webhook.url, webhook.secret or ""))
        return JSONResponse({"success": True})

    async def set_global_webhook(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """The webhook of every channel without one of its own."""
        webhook = checked(NewWebhook, body, 400)
        self._state.webhook = Webhook(webhook.url, webhook.secret or "")
        return JSONResponse({"success": True})

    async def send(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """Deliver a message, and answer; its echo and acks follow."""
        outgoing = checked(Outgoing, body, 400)
        channel = self._state.channels.get(outgoing.channel)
        if channel is None:
            return refusal(404, CHANNEL_NOT_FOUND)
        if channel.status != "connected":
            return _not_connected()
        message = self._message(outgoing, request)
        self._state.deliver(message)
        plan = plan_sent(message, channel, self._config, faults)
        await self._webhooks.emit_now(plan.before_answer, channel.id)
        is_null = not self._config.return_message_id or any(f.kind is FaultKind.MESSAGE_ID_NULL for f in faults)
        answer = {
            "success": True,
            "correlationId": message.correlation_id,
            self._config.message_id_field: None if is_null else message.id,
        }
        return JSONResponse(answer, background=BackgroundTask(self._emit, plan.after_answer, channel.id))

    async def media(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """The bytes of a message, once they are there."""
        kept = self._state.media.get((self._channel(request).id, request.path_params["message_id"]))
        if kept is None or time.time() < kept[0] + self._config.media_delay_seconds:
            return refusal(404, "Mídia não encontrada")
        _, mime_type, encoded = kept
        return JSONResponse({"success": True, "media_base64": encoded, "mime_type": mime_type})

    async def pn_lid(self, request: Request, body: Any, faults: Sequence[Fault]) -> Response:
        """The phone behind a lid, in the engine's shape: an id object each, no phone where none is known.

        As the engine does (wa-js `getPnLidEntry` and `createWid`), digits without a domain are taken for a phone.
        """
        if self._channel(request).status != "connected":
            return _not_connected()
        asked, at, _ = request.path_params["lid"].partition("@")
        if not at:
            return JSONResponse({"phoneNumber": _wid(asked, "c.us")})
        phone = self._state.phones_by_lid.get(asked)
        found = {"phoneNumber": _wid(phone, "c.us")} if phone is not None else {}
        return JSONResponse({"lid": _wid(asked, "lid"), **found, "contact": {"pushname": "Contato A"}})

    def _route(self, method: str, path: str, route: Route, handler: Handler) -> HttpRoute:
        async def endpoint(request: Request) -> Response:
            return await self._serve(request, route, handler)

        return HttpRoute(path, endpoint, methods=[method], name=route)

    async def _serve(self, request: Request, route: Route, handler: Handler) -> Response:
        """One call: the secret, the body, the faults, the answer; and take it down."""
        channel: str | None = request.path_params.get("channel")
        try:
            given = request.headers.get("x-gateway-secret", "").encode()
            if self._config.secret and not secrets.compare_digest(given, self._config.secret.encode()):
                response: Response = refusal(401, "Invalid or missing X-Gateway-Secret")
            else:
                body = await read_json(request) if request.method == "POST" else None
                channel, to = channel or _field(body, "channel"), _field(body, "to")
                response = await self._answer(request, body, handler, self._faults.take(route, channel, to))
        except BadBody as error:
            response = refusal(error.status, str(error))
        outcome = "dropped" if isinstance(response, DroppedConnection) else str(response.status_code)
        self._state.requests.add(route, outcome, channel, request.headers.get("x-request-id", ""))
        return response

    async def _answer(self, request: Request, body: Any, handler: Handler, faults: Sequence[Fault]) -> Response:
        """The usual answer, or a fault's, after the delay; a fault that delivers shows its message at once."""
        fault = next((each for each in faults if each.kind.changes_answer), None)
        delay = max((each.delay_seconds for each in faults), default=0.0)
        response = fault_answer(fault) if fault else await handler(request, body, faults)
        if fault and fault.delivered:
            usual = await handler(request, body, faults)
            if usual.background:
                await usual.background()
                usual.background = None
            response = usual if fault.kind is FaultKind.HANG else response
        if delay:
            await _gone(request, within=delay)
        return response

    async def _emit(self, emissions: Sequence[Emission], channel: str) -> None:
        self._webhooks.emit_later(emissions, channel)

    def _channel(self, request: Request) -> SimulatedChannel:
        channel = self._state.channels.get(request.path_params["channel"])
        if channel is None:
            raise BadBody(404, CHANNEL_NOT_FOUND)
        return channel

    def _message(self, outgoing: Outgoing, request: Request) -> Message:
        """The message that a send makes; BadBody where the gateway would refuse it."""
        media = _media(outgoing)
        if media is None and outgoing.type in ("text", "chat") and not outgoing.text:
            raise BadBody(400, "text é obrigatório")
        try:
            chat = chat_id(outgoing.to)
        except ValueError as error:
            raise BadBody(400, f"to: {error}") from None
        message = Message(
            id=new_message_id(chat, from_me=True),
            channel=outgoing.channel,
            chat=chat,
            to=outgoing.to,
            from_me=True,
            type=_TYPES.get(outgoing.type, outgoing.type),
            text=outgoing.text,
            at=time.time(),
            metadata=outgoing.metadata,
            correlation_id=str(uuid4()),
            request_id=request.headers.get("x-request-id", ""),
        )
        if media is not None:
            self._state.keep_media(outgoing.channel, message.id, _MIME_TYPES[outgoing.type], media)
        return message


def _not_connected() -> JSONResponse:
    """(inferred) The words of the engine's guard in front of every handler."""
    words = "A sessão do WhatsApp não está ativa."
    return JSONResponse({"success": False, "status": "Disconnected", "error": words}, 404)


def _wid(user: str, server: str) -> dict[str, str]:
    return {"id": user, "server": server, "_serialized": f"{user}@{server}"}


def _media(outgoing: Outgoing) -> str | None:
    """The media of a message, base64 (empty where it is an address); None of a text. BadBody where it is missing."""
    match outgoing.type:
        case "text" | "chat":
            return None
        case "audio":
            if not outgoing.base64Ptt or outgoing.base64Ptt.startswith("data:"):
                raise BadBody(400, "base64Ptt é obrigatório, sem o prefixo data:")
            if len(outgoing.base64Ptt) > _MAX_AUDIO_CHARACTERS:
                raise BadBody(413, "Áudio maior que 16 MB")
            return outgoing.base64Ptt
        case _:
            if not outgoing.base64 and not outgoing.url:
                raise BadBody(400, "base64 ou url é obrigatório")
            return outgoing.base64 or ""


async def _gone(request: Request, *, within: float) -> None:
    """Wait until the caller has hung up, at most so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while (await request.receive())["type"] != "http.disconnect":
                pass


def _field(body: Any, name: str) -> str | None:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None


__all__ = ["CHANNEL_NOT_FOUND", "Gateway"]
