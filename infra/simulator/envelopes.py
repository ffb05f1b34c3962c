"""Webhook bodies in the shapes of field notes §2; each emission gets an event id and a correlation id of its own."""

from typing import Any, Final
from uuid import uuid4

from infra.simulator.config import AckWord
from infra.simulator.state import ChannelStatus, Message, SimulatedChannel

ACK_NUMBERS: Final[dict[AckWord, int]] = {"failed": -1, "sent": 1, "delivered": 2, "read": 3, "played": 4}

_STATES: Final[dict[ChannelStatus, tuple[str, str, str]]] = {
    # the wrapper's word, the engine's event, the engine's word
    "connected": ("connected", "status-find", "inChat"),
    "disconnected": ("close", "status-find", "desconnectedMobile"),
    "qr_required": ("qrcode", "qrcode", "notLogged"),
    "initializing": ("initializing", "status-find", "initBrowser"),
}


def message_envelope(message: Message, channel: SimulatedChannel, *, is_shell: bool = False) -> dict[str, Any]:
    """A message, own (E17) or of a contact (E1); a shell is the empty `ciphertext` that may come before it (E8)."""
    hub = f"{channel.number}@c.us"
    sender, receiver = (hub, message.chat) if message.from_me else (message.chat, hub)
    text = "" if is_shell else message.text
    at = int(message.at)
    group = message.chat.endswith("@g.us")
    payload: dict[str, Any] = {
        "event": "onselfmessage" if message.from_me else "onmessage",
        "session": channel.id,
        "id": message.id,
        "body": text,
        "type": "ciphertext" if is_shell else message.type,
        "t": at,
        "clientReceivedTsMillis": int(message.at * 1000),
        "notifyName": message.name,
        "from": sender,
        "to": receiver,
        "chatId": message.chat,
        "fromMe": message.from_me,
        "ack": 1,
        "isGroupMsg": group,
        "sender": {
            "id": sender,
            "pushname": message.name,
            "formattedName": message.name or sender.partition("@")[0],
            "isMe": message.from_me,
        },
    }
    if is_shell:
        payload["subtype"] = "fanout"
    elif message.mime_type:
        payload["mimetype"] = message.mime_type
    body = {"id": message.id, "from": sender, "to": receiver, "text": text, "timestamp": at}
    return wrapped("message", channel.id, at, payload, message=body)


def ack_envelope(message: Message, channel: SimulatedChannel, word: AckWord, at: int) -> dict[str, Any]:
    """An ack in the wrapper's envelope (E19): what its `ack` object holds was never documented, the payload was."""
    number = ACK_NUMBERS[word]
    payload = {
        "event": "onack",
        "session": channel.id,
        "id": {"fromMe": True, "remote": message.chat, "id": message.hex_id, "_serialized": message.id},
        "from": f"{channel.number}@c.us",
        "to": message.chat,
        "ack": number,
    }
    return wrapped("message.ack", channel.id, at, payload, ack={"undocumented": True})


def flat_ack(message: Message, word: AckWord) -> dict[str, Any]:
    """An ack in the flat envelope of the published contract: no channel, no time, no event id."""
    return {"event": "message.ack", "messageId": message.id, "status": word}


def connection_envelope(channel: SimulatedChannel, at: int) -> dict[str, Any]:
    """A real change of a channel's state (E5)."""
    wrapper_word, engine_event, engine_word = _STATES[channel.status]
    payload = {"event": engine_event, "session": channel.id, "status": engine_word, "state": wrapper_word}
    return wrapped("connection.update", channel.id, at, payload, connection={"status": wrapper_word})


def wrapped(
    event: str,
    channel_id: str,
    at: int,
    payload: dict[str, Any],
    *,
    message: dict[str, Any] | None = None,
    ack: dict[str, Any] | None = None,
    connection: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The wrapper's envelope around the engine's payload."""
    return {
        "spec_version": "1.0",
        "event": event,
        "session": {"id": channel_id, "name": channel_id},
        "message": message,
        "ack": ack,
        "connection": connection,
        "raw": {"provider": "wppconnect", "payload": payload},
        "event_id": str(uuid4()),
        "correlation_id": str(uuid4()),
        "timestamp": at,
    }


__all__ = ["ACK_NUMBERS", "ack_envelope", "connection_envelope", "flat_ack", "message_envelope", "wrapped"]
