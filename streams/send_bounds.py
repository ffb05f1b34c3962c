"""What a rule, or a channel, asks of the time at which its messages go out: a pace and a window. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.commands import Command
from schemas.configuration import Channel, Rule
from streams.paces import Pace
from streams.send_windows import SendWindow


@dataclass(frozen=True, slots=True)
class Bounds:
    """A pace, a window, both or neither."""

    pace: Pace | None = None
    window: SendWindow | None = None

    def meets(self, other: "Bounds") -> bool:
        """Whether there is a moment at which both windows are open."""
        return self.window is None or other.window is None or self.window.meets(other.window)


UNBOUND: Final = Bounds()


def bounds_of(asking: Rule | Command) -> Bounds:
    """The bounds of a rule, or those that its command carries; ValueError names the place that makes no sense."""
    if asking.pace is None and asking.send_window is None:
        return UNBOUND
    return _bounds(asking.pace, asking.send_window, "")


def bounds_of_channel(channel: Channel) -> Bounds:
    """The bounds in a channel's metadata; ValueError names the place that makes no sense."""
    metadata = channel.metadata or {}
    return _bounds(metadata.get("pace"), metadata.get("send_window"), "metadata.")


def _bounds(pace: Any, window: Any, prefix: str) -> Bounds:
    return Bounds(
        None if pace is None else Pace.of(_object(pace, f"{prefix}pace"), f"{prefix}pace"),
        None if window is None else SendWindow.of(_object(window, f"{prefix}send_window"), f"{prefix}send_window"),
    )


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError(f"{place}: must be an object")
