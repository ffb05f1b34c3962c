"""What the simulated gateway knows: its channels, what it delivered, the bytes of media, and who called."""

import re
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Final, Literal
from uuid import uuid4

from infra.simulator.pairing import PairingCodes

ChannelStatus = Literal["connected", "disconnected", "qr_required", "initializing"]

MAX_MESSAGES: Final = 100_000
MAX_REQUESTS: Final = 1_000
MAX_MEDIA_CHARACTERS: Final = 67_108_864
HUB_NUMBER: Final = "554733330000"


@dataclass(slots=True)
class Webhook:
    """Where webhooks go, and the secret that they carry."""

    url: str
    secret: str = ""


@dataclass(slots=True)
class SimulatedChannel:
    """One session; its id is case-sensitive, as the gateway's are."""

    id: str
    status: ChannelStatus
    number: str = HUB_NUMBER
    webhook: Webhook | None = None

    def shown(self) -> dict[str, str]:
        """The channel as the API shows it."""
        return {"id": self.id, "name": self.id, "status": self.status}


@dataclass(frozen=True, slots=True)
class Message:
    """A message that passed through the gateway, in either direction; times are seconds since 1970."""

    id: str
    channel: str
    chat: str
    to: str
    from_me: bool
    type: str
    text: str
    at: float
    metadata: Any = None
    name: str = ""
    correlation_id: str = ""
    request_id: str = ""
    mime_type: str = ""

    @property
    def hex_id(self) -> str:
        """The stable part of the id."""
        return self.id.split("_")[2]


@dataclass(slots=True)
class SeenRequests:
    """How often each route was called and what came of it, and the last calls in full."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MAX_REQUESTS))

    def add(self, route: str, outcome: str, channel: str | None, request_id: str) -> None:
        """Take one call down; `outcome` is the status, or `dropped`."""
        self.counts[route, outcome] += 1
        self.last.append(
            {"route": route, "outcome": outcome, "channel": channel, "request_id": request_id, "at": time.time()}
        )

    def shown(self) -> dict[str, Any]:
        """Total, counts by route and outcome, and the last calls, newest last."""
        by_route: dict[str, dict[str, int]] = {}
        for (route, outcome), count in sorted(self.counts.items()):
            by_route.setdefault(route, {})[outcome] = count
        return {"total": self.counts.total(), "by_route": by_route, "last": list(self.last)}


class State:
    """Everything that `POST /_sim/reset` forgets."""

    def __init__(self) -> None:
        self.channels: dict[str, SimulatedChannel] = {}
        self.webhook: Webhook | None = None
        self.messages: deque[Message] = deque(maxlen=MAX_MESSAGES)
        self.delivered_total = 0
        self.media: dict[tuple[str, str], tuple[float, str, str]] = {}
        self.phones_by_lid: dict[str, str] = {}
        self.codes = PairingCodes()
        self.requests = SeenRequests()
        self.on_message: Callable[[Message], None] = lambda _: None
        self.on_channel: Callable[[SimulatedChannel], None] = lambda _: None
        self.reset()

    def reset(self) -> None:
        """Three channels in three states, and nothing else."""
        three: tuple[tuple[str, ChannelStatus], ...] = (
            ("Canal Um", "connected"),
            ("Canal Dois", "qr_required"),
            ("Canal Três", "disconnected"),
        )
        self.channels = {channel_id: SimulatedChannel(channel_id, status) for channel_id, status in three}
        self.webhook = None
        self.clear_messages()
        self.media.clear()
        self.phones_by_lid.clear()
        self.codes.clear()
        self.requests = SeenRequests()

    def set_channel(self, channel_id: str, status: ChannelStatus) -> SimulatedChannel:
        """Put a channel into a state; it is made where there is none."""
        channel = self.channels.setdefault(channel_id, SimulatedChannel(channel_id, status))
        channel.status = status
        self.on_channel(channel)
        return channel

    def set_webhook(self, channel: SimulatedChannel, webhook: Webhook) -> None:
        """Give a channel an address of its own."""
        channel.webhook = webhook
        self.on_channel(channel)

    def clear_messages(self) -> int:
        """Forget what was delivered; how much that was."""
        count = self.delivered_total
        self.messages.clear()
        self.delivered_total = 0
        return count

    def webhook_of(self, channel: str | None) -> Webhook | None:
        """Where the webhooks of a channel go: its own address, else that for all, else None."""
        known = self.channels.get(channel) if channel is not None else None
        return (known.webhook if known else None) or self.webhook

    def deliver(self, message: Message) -> None:
        """Take down a message that reached WhatsApp; beyond `MAX_MESSAGES` the oldest is forgotten."""
        self.on_message(message)
        self.messages.append(message)
        self.delivered_total += 1

    def keep_media(self, channel: str, message_id: str, mime_type: str, encoded: str) -> None:
        """Keep the bytes of a message (base64) for `GET /api/media`; past `MAX_MEDIA_CHARACTERS` the oldest go."""
        self.media[channel, message_id] = (time.time(), mime_type, encoded)
        held = sum(len(each) for _, _, each in self.media.values())
        while held > MAX_MEDIA_CHARACTERS:
            held -= len(self.media.pop(next(iter(self.media)))[2])

    def found(self, channel: str | None, to: str | None, limit: int) -> dict[str, Any]:
        """The delivered messages of a channel and a recipient (compared by digits), the last `limit` of them."""
        fitting = [message for message in self.messages if _fits(message, channel, to)]
        last = islice(fitting, max(0, len(fitting) - limit), None)
        return {"total": len(fitting), "delivered_total": self.delivered_total, "messages": [asdict(m) for m in last]}


def chat_id(recipient: str) -> str:
    """The chat a recipient names: an id as it stands, else the digits of a phone; ValueError for neither."""
    if re.fullmatch(r"\d[\d-]*@[a-z.]+", recipient):
        return recipient
    digits = re.sub(r"[+\s().-]", "", recipient)
    if not re.fullmatch(r"\d{8,20}", digits):
        raise ValueError(f"{recipient!r} is no phone and no chat id")
    return f"{digits}@c.us"


def new_message_id(chat: str, *, from_me: bool) -> str:
    """An id in the network's form: direction, chat and a fresh hexadecimal part."""
    return f"{'true' if from_me else 'false'}_{chat}_3EB0{uuid4().hex[:16].upper()}"


def _fits(message: Message, channel: str | None, to: str | None) -> bool:
    return channel in (None, message.channel) and (to is None or _bare(to) == _bare(message.chat))


def _bare(recipient: str) -> str:
    return recipient.strip().lstrip("+").partition("@")[0]
