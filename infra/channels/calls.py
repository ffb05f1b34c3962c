"""Calls to the gateway whose repetition does no harm: made again where they fail, else explained."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from adapters.gateway import GatewayError, NotSent, Permanent
from adapters.gateway.client import GatewayClient
from infra.errors import AwayError, ConflictError
from schemas.gateway import Channel
from streams.identity import canonical_channel

T = TypeVar("T")

ONCE: Final[Sequence[float]] = ()
PATIENT: Final[Sequence[float]] = (0.5, 1.0, 3.0)
"""Seconds to wait before each further attempt."""

_LONGEST_WAIT: Final = 30.0
_REFUSED: Final = frozenset({"gateway_refused_secret", "proxy_refused_login", "route_not_found", "client_closed"})
"""What the next attempt meets again, though nothing was done."""


class GatewayTroubleError(AwayError):
    """The gateway did not do what it was told; the message says what to do."""


Tell = Callable[[str], None]
"""Takes a line about what is going on."""


def silent(_: str) -> None:
    """Nobody listens."""


class Calls:
    """The gateway's calls for the set-up. Each may be made again: it leaves the gateway as one call would.

    `waits` are the seconds before each further attempt; GatewayTroubleError after the last.
    """

    def __init__(self, gateway: GatewayClient, address: str, waits: Sequence[float], tell: Tell = silent) -> None:
        self._gateway = gateway
        self._address = address
        self._waits = waits
        self._tell = tell

    async def find(self, channel_id: str) -> Channel | None:
        """The channel in this very spelling; None where the gateway knows none."""
        try:
            return await self.do(f"tell the state of {channel_id!r}", lambda: self._gateway.get_channel(channel_id))
        except _NotThereError:
            return None
        except _DownError:
            return Channel(id=channel_id, status="disconnected")

    async def find_alike(self, channel_id: str) -> Channel | None:
        """The channel in this spelling, else the one that the gateway spells otherwise.

        ConflictError where it has several, and none in this spelling.
        """
        exact = await self.find(channel_id)
        if exact is not None:
            return exact
        listed = await self.do("list its channels", self._gateway.list_channels)
        alike = [each for each in listed.channels if canonical_channel(each.id) == canonical_channel(channel_id)]
        if len(alike) > 1:
            names = ", ".join(repr(each.id) for each in alike)
            raise ConflictError(f"The gateway has {names}, which are one channel to the hub: name the one you mean.")
        return alike[0] if alike else None

    async def do(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """The result of a call; `what` it is to do, for messages."""
        for wait in (*self._waits, None):
            try:
                return await call()
            except GatewayError as error:
                if error.reason == "channel_not_found":
                    raise _NotThereError(self._message(what, error)) from None
                if error.reason == "channel_down":
                    raise _DownError(self._message(what, error)) from None
                is_final = isinstance(error, Permanent) or error.reason in _REFUSED
                named = error.retry_after if isinstance(error, NotSent) else None
                if wait is None or is_final or (named or 0) > _LONGEST_WAIT:
                    raise GatewayTroubleError(self._message(what, error), named) from None
                wait = max(wait, named or 0)
                self._tell(f"The gateway did not {what} ({error}); again in {wait:g} s.")
                await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _message(self, what: str, error: GatewayError) -> str:
        return f"The gateway at {self._address} did not {what}: {error}. {_advice(error)}"


class _NotThereError(GatewayTroubleError):
    """It knows no such channel."""


class _DownError(GatewayTroubleError):
    """It knows the channel, whose session does not run."""


def _advice(error: GatewayError) -> str:
    match error.reason:
        case "gateway_refused_secret":
            return "Set WPP_GATEWAY_SECRET to the gateway's secret."
        case "proxy_refused_login":
            return "A proxy in front of it wants a login: WPP_GATEWAY_BASE_URL must lead past it."
        case "route_not_found" | "invalid_url":
            return "WPP_GATEWAY_BASE_URL must be the address of a WPP gateway, without /api."
        case "channel_not_found":
            return "`posto channels connect` makes the channel there."
        case "channel_down":
            return "`posto channels connect` goes on where it stands."
        case "connect_refused" | "connect_failed" | "connect_timeout" | "dns_failure" | "tls_failure":
            return "Start it, or check WPP_GATEWAY_BASE_URL; then do the same again: it goes on where it stands."
    if isinstance(error, Permanent):
        return "Doing the same again does not help: correct what it names."
    return "Do the same again: it goes on where it stands. If it stays so, the gateway's own log says why."
