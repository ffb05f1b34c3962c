"""What an answer says of those behind it: of the channel, and of the gateway as a whole. Pure."""

import re
from enum import Enum
from typing import Final

from streams.sending.inputs import Answer, Down, NotSent, Refused, Sent, Unclear

CHANNEL_DOWN: Final = "channel_down"
"""The reason of the gateway's own guard: the session of this channel is not connected."""
GATEWAY_DOWN: Final = "gateway_down"

REFUSED_LOGIN: Final = frozenset({"gateway_refused_secret", "proxy_refused_login"})
_AWAY: Final = REFUSED_LOGIN | {
    "connect_failed",
    "connect_refused",
    "connect_timeout",
    "dns_failure",
    "route_not_found",
    "tls_failure",
}
_FALTERS: Final = re.compile(
    r"read_timeout|write_timeout|read_error|write_error|connection_dropped|deadline|html_.*|http_5.."
)
_OURS: Final = frozenset({"client_closed", "pool_timeout", "unexpected_error", "invalid_url"})


def cause(reason: str) -> str:
    """Why a command is parked whose attempt failed for this reason."""
    return reason if reason == CHANNEL_DOWN else GATEWAY_DOWN


class Sign(Enum):
    """What one outcome of a call shows of the gateway."""

    THERE = "there"
    """It answered, whatever it said."""
    AWAY = "away"
    """It cannot be reached, or takes nothing from us: so it is for every channel."""
    FALTERS = "falters"
    """It did not answer, or broke: perhaps for one channel alone."""
    NOTHING = "nothing"
    """Nothing: the call did not get as far."""


def sign_of(answer: Answer | None) -> Sign:
    """What an answer shows of the gateway; None is a request that nobody waited for."""
    match answer:
        case Sent():
            return Sign.THERE
        case NotSent(reason=reason) | Down(reason=reason) | Refused(reason=reason) | Unclear(reason=reason):
            return sign_of_reason(reason)
        case _:
            return Sign.NOTHING


def sign_of_reason(reason: str) -> Sign:
    """What a failure shows of the gateway, by its reason (`adapters.gateway.classification`)."""
    if reason in _AWAY:
        return Sign.AWAY
    if _FALTERS.fullmatch(reason):
        return Sign.FALTERS
    return Sign.NOTHING if reason in _OURS or reason.startswith("precondition") else Sign.THERE
