"""How long each call to the gateway may take (field notes §4)."""

from dataclasses import dataclass
from enum import StrEnum

import httpx


class Call(StrEnum):
    """The calls of the gateway's API that the hub makes."""

    LIST_CHANNELS = "list_channels"
    CREATE_CHANNEL = "create_channel"
    GET_CHANNEL = "get_channel"
    GET_QR = "get_qr"
    SEND_TEXT = "send_text"
    GET_MEDIA = "get_media"
    LOOK_UP_LID = "look_up_lid"
    SET_CHANNEL_WEBHOOK = "set_channel_webhook"
    SET_GLOBAL_WEBHOOK = "set_global_webhook"

    @property
    def is_send(self) -> bool:
        """Whether an unclear outcome may mean a message on somebody's phone."""
        return self is Call.SEND_TEXT


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to wait for a pooled connection, to write, and between two bytes of each call's answer."""

    connect: float = 10.0
    pool: float = 10.0
    write: float = 30.0
    list_channels: float = 60.0
    get_media: float = 120.0
    other: float = 30.0

    def of(self, call: Call) -> httpx.Timeout:
        """The timeouts of one call as httpx takes them."""
        return httpx.Timeout(connect=self.connect, pool=self.pool, write=self.write, read=self._read(call))

    def deadline(self, call: Call) -> float:
        """The longest a call may take in all, against an answer that trickles in for ever.

        Longer than connecting and waiting for the pool together: when it strikes, the request has left.
        """
        return self.connect + self.pool + self.write + self._read(call)

    def _read(self, call: Call) -> float:
        match call:
            case Call.LIST_CHANNELS:
                return self.list_channels
            case Call.GET_MEDIA:
                return self.get_media
            case _:
                return self.other


__all__ = ["Call", "Timeouts"]
