"""The published contract: an event's name and its fields side by side, or under `message` and `data`."""

from typing import Final

from streams.normalization import content, fields, reading
from streams.normalization.fields import Parts
from streams.normalization.reading import Kind, Said

NAME: Final = "flat"
KINDS: Final = {
    "message": Kind.MESSAGE,
    "message.received": Kind.MESSAGE,
    "message.sent": Kind.OWN_MESSAGE,
    "message.ack": Kind.ACK,
    "message.reaction": Kind.REACTION,
    "message.revoked": Kind.REVOKED,
    "connection.update": Kind.CONNECTION,
    "qrcode": Kind.QR,
}


def matches(parts: Parts) -> bool:
    """Whatever no other dialect recognised."""
    return True


def read(parts: Parts) -> list[Said]:
    """Read by the name under `event`."""
    name = fields.event_name(parts)
    return [(reading.read(KINDS.get(name), name, parts, content.read), parts)]
