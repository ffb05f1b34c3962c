"""What the agents count."""

from typing import Final

from prometheus_client import Counter

OTHER: Final = "other"
_MOST_NAMES: Final = 64
_DIGITS_OF_A_PHONE: Final = 8

_NOISE = Counter("posto_webhook_noise_total", "Technical webhooks that make no event.", ["channel", "kind"])
_UNKNOWN = Counter("posto_webhook_unknown_total", "Webhooks of an event that has no type of its own.", ["name"])
EVENTS = Counter("posto_events_total", "Events by what the router found them to be.", ["kind"])


class _Names:
    """Names that come from outside, kept few.

    Anybody may name anything there: what looks like a phone, and every name after the first 64, is `other`.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        if name in self._known:
            return name
        if len(self._known) >= _MOST_NAMES or sum(map(str.isdigit, name)) >= _DIGITS_OF_A_PHONE:
            return OTHER
        self._known.add(name)
        return name


_channels = _Names()
_unknown = _Names()


def count_noise(channel: str | None, kind: str, count: int) -> None:
    """Count technical webhooks of a channel, as the bodies name it."""
    _NOISE.labels(_channels.label(channel or ""), kind).inc(count)


def count_unknown(name: str) -> None:
    """Count one event that has no type of its own, by the name that the body gives it."""
    _UNKNOWN.labels(_unknown.label(name)).inc()
