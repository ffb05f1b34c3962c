"""The set-up of a channel as a state machine: from what is known of it to the step that comes next.

Nothing is remembered between two steps: what is known is asked anew each time, of the gateway, of the row and of the
evidence. So every step may be repeated, and whoever begins again goes on where it stands.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from streams.normalization.vocabulary import CHANNEL_STATES, CONNECTED, DISCONNECTED, QR_REQUIRED


class Step(StrEnum):
    """What is to be done next."""

    CREATE = "create"
    """Make the channel at the gateway, which does not know it."""
    REGISTER = "register"
    """Write down whose it is."""
    ENABLE = "enable"
    """It, or its tenant, was disabled by a person: nobody else enables it."""
    START = "start"
    """Start its session again: it is disconnected, and shows no QR code before."""
    WAIT = "wait"
    """Its session is starting."""
    SCAN = "scan"
    """Let its phone scan the QR code."""
    WEBHOOK = "webhook"
    """Tell the gateway where its webhooks go, and see that they can arrive there."""
    TEST = "test"
    """Send a message: its ack shows that the gateway sends, and that it reaches the webhook."""
    DONE = "done"
    """It works: a message went out by it, and its ack came in by the webhook that is set."""


_CLOCKS_DIFFER: Final = timedelta(seconds=5)
"""An ack carries the gateway's time, in whole seconds."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a channel.

    `gateway_state` is the gateway's word for it, None where the gateway has no such channel. `last_ack_at` is when an
    ack of a message that went out by it came in last, `webhook_set_at` when its webhook was set last, where known.
    """

    gateway_state: str | None
    is_registered: bool
    is_enabled: bool = True
    webhook_configured: bool = False
    webhook_set_at: datetime | None = None
    last_ack_at: datetime | None = None


def state_of(word: str | None) -> str:
    """The gateway's word for a state in our words, or as it is where it is none of them; `unknown` for no word."""
    folded = (word or "unknown").strip().casefold()
    return CHANNEL_STATES.get(folded, folded)


def next_step(known: Known) -> Step:
    """The step that comes next."""
    if known.gateway_state is None:
        return Step.CREATE
    if not known.is_registered:
        return Step.REGISTER
    if not known.is_enabled:
        return Step.ENABLE
    match state_of(known.gateway_state):
        case state if state == QR_REQUIRED:
            return Step.SCAN
        case state if state == DISCONNECTED:
            return Step.START
        case state if state != CONNECTED:
            return Step.WAIT
    if not known.webhook_configured:
        return Step.WEBHOOK
    return Step.DONE if _is_heard(known) else Step.TEST


def _is_heard(known: Known) -> bool:
    """Whether an ack came in since the webhook was set: an older one came by another address."""
    if known.last_ack_at is None:
        return False
    return known.webhook_set_at is None or known.last_ack_at > known.webhook_set_at - _CLOCKS_DIFFER


__all__ = ["Known", "Step", "next_step", "state_of"]
