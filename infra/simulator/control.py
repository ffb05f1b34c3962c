"""The routes under `/_sim`: set faults and states, see what was delivered, make webhooks. No secret: loopback only."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.simulator.bodies import BadBody, ChannelState, Inbound, Link, Playback, Scan, checked, read_json
from infra.simulator.config import SimulatorConfig
from infra.simulator.emissions import Emission, plan_received
from infra.simulator.envelopes import connection_envelope
from infra.simulator.faults import Fault, FaultBook
from infra.simulator.faults import Route as FaultRoute
from infra.simulator.playback import play
from infra.simulator.state import ChannelStatus, Message, State, Webhook, chat_id, new_message_id
from infra.simulator.webhooks import WebhookPoster

DEFAULT_LISTED = 1_000

Handler = Callable[[Request], Awaitable[dict[str, Any]]]


class Control:
    """The simulator's own API."""

    def __init__(self, state: State, config: SimulatorConfig, faults: FaultBook, webhooks: WebhookPoster) -> None:
        self._state = state
        self._config = config
        self._initial = config.model_copy()
        self._faults = faults
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        """All routes; each answers JSON, and a body it does not take with 400 or 422 and a sentence."""
        return [
            _route("GET", "/_sim/config", self.config),
            _route("PATCH", "/_sim/config", self.configure),
            _route("GET", "/_sim/faults", self.faults),
            _route("POST", "/_sim/faults", self.add_faults),
            _route("DELETE", "/_sim/faults", self.clear_faults),
            _route("GET", "/_sim/messages", self.messages),
            _route("DELETE", "/_sim/messages", self.clear_messages),
            _route("GET", "/_sim/requests", self.requests),
            _route("GET", "/_sim/webhooks", self.webhooks),
            _route("GET", "/_sim/channels", self.channels),
            _route("POST", "/_sim/channels", self.set_channel),
            _route("POST", "/_sim/scan", self.scan),
            _route("POST", "/_sim/lids", self.link),
            _route("POST", "/_sim/inbound", self.inbound),
            _route("POST", "/_sim/play", self.play),
            _route("POST", "/_sim/reset", self.reset),
        ]

    async def config(self, request: Request) -> dict[str, Any]:
        """How the simulator behaves; without its secrets."""
        return self._config.model_dump(mode="json", exclude={"secret", "webhook_secret"})

    async def configure(self, request: Request) -> dict[str, Any]:
        """Change some of it, all or nothing."""
        changes = await read_json(request)
        if not isinstance(changes, dict):
            raise BadBody(422, "body: Input should be an object")
        new = checked(SimulatorConfig, self._config.model_dump() | changes, 422)
        self._become(new)
        return await self.config(request)

    async def faults(self, request: Request) -> dict[str, Any]:
        """The faults that are not spent."""
        return {"faults": self._faults.listed()}

    async def add_faults(self, request: Request) -> dict[str, Any]:
        """Set one fault, or a list of them: all or none."""
        body = await read_json(request)
        for fault in [checked(Fault, each, 422) for each in (body if isinstance(body, list) else [body])]:
            self._faults.add(fault)
        return await self.faults(request)

    async def clear_faults(self, request: Request) -> dict[str, Any]:
        """Remove all faults."""
        return {"removed": self._faults.clear()}

    async def messages(self, request: Request) -> dict[str, Any]:
        """What was delivered: `?channel=`, `?to=` (digits) and `?limit=` narrow it down; oldest first."""
        query = request.query_params
        limit = query.get("limit", str(DEFAULT_LISTED))
        if not limit.isascii() or not limit.isdigit():
            raise BadBody(422, "limit: Input should be a whole number")
        return self._state.found(query.get("channel"), query.get("to"), int(limit))

    async def clear_messages(self, request: Request) -> dict[str, Any]:
        """Forget what was delivered."""
        return {"removed": self._state.clear_messages()}

    async def requests(self, request: Request) -> dict[str, Any]:
        """How often each route was called, with what outcome."""
        return self._state.requests.shown()

    async def webhooks(self, request: Request) -> dict[str, Any]:
        """What was posted, what failed, what is still to come."""
        return self._webhooks.shown()

    async def channels(self, request: Request) -> dict[str, Any]:
        """The channels and their states."""
        return {"channels": [channel.shown() for channel in self._state.channels.values()]}

    async def set_channel(self, request: Request) -> dict[str, Any]:
        """Put a channel into a state, and say so with a `connection.update`."""
        wanted = checked(ChannelState, await read_json(request), 422)
        return await self._put(wanted.id, wanted.status, is_told=wanted.emit)

    async def scan(self, request: Request) -> dict[str, Any]:
        """Be the phone that scans a code, given by its text: the channel connects, and says so."""
        scan = checked(Scan, await read_json(request), 422)
        channel = self._state.codes.scanned(scan.code, time.monotonic())
        if channel is None:
            raise BadBody(404, "No channel shows this code: it is over, or was scanned.")
        return await self._put(channel, "connected", is_told=True)

    async def link(self, request: Request) -> dict[str, Any]:
        """Let the gateway know the phone behind a lid."""
        link = checked(Link, await read_json(request), 422)
        self._state.phones_by_lid[link.lid.removesuffix("@lid")] = link.phone
        return link.model_dump()

    async def inbound(self, request: Request) -> dict[str, Any]:
        """Post the webhook of a message that somebody sent; the answer has the outcome of each post."""
        inbound = checked(Inbound, await read_json(request), 422)
        channel = self._state.channels.get(inbound.channel)
        if channel is None:
            raise BadBody(404, f"There is no channel {inbound.channel!r}.")
        try:
            chat = chat_id(inbound.sender)
        except ValueError as error:
            raise BadBody(422, f"from: {error}") from None
        message = Message(
            id=inbound.id or new_message_id(chat, from_me=inbound.from_me),
            channel=channel.id,
            chat=chat,
            to=chat if inbound.from_me else channel.number,
            from_me=inbound.from_me,
            type=inbound.type,
            text=inbound.text,
            at=time.time() if inbound.timestamp is None else inbound.timestamp,
            name=inbound.name,
            mime_type=inbound.mime_type if inbound.media_base64 is not None else "",
        )
        if inbound.media_base64 is not None:
            self._state.keep_media(channel.id, message.id, inbound.mime_type, inbound.media_base64)
        faults = self._faults.take(FaultRoute.INBOUND, channel.id, chat)
        outcomes = await self._webhooks.emit_now(plan_received(message, channel, faults), channel.id)
        return {"message_id": message.id, "webhooks": outcomes}

    async def play(self, request: Request) -> dict[str, Any]:
        """Post recorded bodies in order at a rate; answers when the last one is answered."""
        playback = checked(Playback, await read_json(request), 422)
        target = Webhook(playback.url, self._config.webhook_secret) if playback.url else None

        async def post(body: bytes) -> str:
            return await self._webhooks.post(body, None, target)

        return (await play([msgspec.json.encode(body) for body in playback.bodies], post, playback.rate)).shown()

    async def reset(self, request: Request) -> dict[str, Any]:
        """Be as at the start: the first configuration and channels; no messages, counts, faults or webhooks to come."""
        self._become(self._initial)
        self._webhooks.cancel()
        self._webhooks.clear()
        self._faults.clear()
        self._state.reset()
        return {"status": "reset"}

    async def _put(self, channel_id: str, status: ChannelStatus, *, is_told: bool) -> dict[str, Any]:
        channel = self._state.set_channel(channel_id, status)
        emissions = [Emission(0.0, connection_envelope(channel, int(time.time())))] if is_told else []
        return {"channel": channel.shown(), "webhooks": await self._webhooks.emit_now(emissions, channel.id)}

    def _become(self, config: SimulatorConfig) -> None:
        for name in SimulatorConfig.model_fields:
            setattr(self._config, name, getattr(config, name))


def _route(method: str, path: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await handler(request))
        except BadBody as error:
            return JSONResponse({"error": str(error)}, error.status)

    return Route(path, endpoint, methods=[method])


__all__ = ["Control"]
