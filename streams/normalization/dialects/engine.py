"""The engine's own envelope, without a wrapper: its event and session at the top, its message's fields beside them."""

from typing import Final

from streams.normalization import content, fields, reading
from streams.normalization.fields import Parts
from streams.normalization.reading import Kind, Said

NAME: Final = "engine"
KINDS: Final = {
    "onmessage": Kind.MESSAGE,
    "onanymessage": Kind.MESSAGE,
    "onselfmessage": Kind.OWN_MESSAGE,
    "onack": Kind.ACK,
    "onreactionmessage": Kind.REACTION,
    "onrevokedmessage": Kind.REVOKED,
    "status-find": Kind.CONNECTION,
    "onstatechanged": Kind.CONNECTION,
    "qrcode": Kind.QR,
    "incomingcall": Kind.CALL,
    "onincomingcall": Kind.CALL,
}


def matches(parts: Parts) -> bool:
    """The name under `event` is one of the engine's."""
    return fields.event_name(parts) in KINDS


def read(parts: Parts) -> list[Said]:
    """Read by the engine's name of the event."""
    name = fields.event_name(parts)
    return [(reading.read(KINDS[name], name, parts, content.read), parts)]
