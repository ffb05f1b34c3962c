"""The gateway's words: states of a channel, presence, acks. Always whole words: "disconnected" contains "connected"."""

from typing import Any, Final

from schemas.deliveries import AckStatus

CONNECTED: Final = "connected"
DISCONNECTED: Final = "disconnected"
QR_REQUIRED: Final = "qr_required"

CHANNEL_STATES: Final = {
    **dict.fromkeys(("connected", "open", "inchat", "islogged", "qrreadsuccess"), CONNECTED),
    **dict.fromkeys(
        (
            "disconnected", "close", "closed", "desconnectedmobile", "browserclose", "autoclosecalled", "qrreaderror",
            "qrreadfail",
        ),
        DISCONNECTED,
    ),
    **dict.fromkeys(("qrcode", "qr_required", "notlogged"), QR_REQUIRED),
}  # fmt: skip
"""Case-folded word to state. A session that is not logged in needs a QR code, which says more than disconnected."""

PRESENCE: Final = frozenset({"available", "unavailable", "composing", "recording", "paused", "typing"})
"""What a contact does. `unavailable` says nothing about the channel."""

_ACK_WORDS: Final = {
    "error": AckStatus.FAILED,
    "failed": AckStatus.FAILED,
    "pending": AckStatus.PENDING,
    "sent": AckStatus.SENT,
    "server_ack": AckStatus.SENT,
    "delivered": AckStatus.DELIVERED,
    "delivery_ack": AckStatus.DELIVERED,
    "read": AckStatus.READ,
    "played": AckStatus.PLAYED,
}
_ACK_NUMBERS: Final = {
    -1: AckStatus.FAILED,
    0: AckStatus.PENDING,
    1: AckStatus.SENT,
    2: AckStatus.DELIVERED,
    3: AckStatus.READ,
    4: AckStatus.PLAYED,
}
_ACKS: Final = _ACK_WORDS | {str(number): status for number, status in _ACK_NUMBERS.items()}


def ack_status(value: Any) -> AckStatus | None:
    """A delivery state as a word or a number from -1 to 4; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _ACK_NUMBERS.get(value)
    return _ACKS.get(value.strip().casefold()) if isinstance(value, str) and len(value) < 20 else None
