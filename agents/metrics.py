"""What the agents count."""

from typing import Final

from prometheus_client import Counter

OTHER: Final = "other"
_MOST_CHANNELS: Final = 64
_DIGITS_OF_A_PHONE: Final = 8

_NOISE = Counter("posto_webhook_noise_total", "Technical webhooks that make no event.", ["channel", "kind"])
EVENTS = Counter("posto_events_total", "Events by what the router found them to be.", ["kind"])

_channels: set[str] = set()


def count_noise(channel: str | None, kind: str) -> None:
    """Count one technical webhook of a channel, as the body names it.

    Anybody may name anything there: what looks like a phone, and every name after the first 64, counts as `other`.
    """
    name = channel or ""
    if name not in _channels:
        if len(_channels) >= _MOST_CHANNELS or sum(map(str.isdigit, name)) >= _DIGITS_OF_A_PHONE:
            name = OTHER
        else:
            _channels.add(name)
    _NOISE.labels(name, kind).inc()
