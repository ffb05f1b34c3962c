"""Which commands share their bounds: those of one rule with a pace or a window, by channel, and all the others."""

from typing import NamedTuple

from schemas.commands import Command
from streams.send_bounds import UNBOUND, Bounds, bounds_of


class Lane(NamedTuple):
    """Commands of one channel which the same bounds of the same rule hold back; `rule` is empty for those without."""

    channel: str
    rule: str = ""
    bounds: Bounds = UNBOUND


def lane_of(command: Command) -> Lane:
    """The lane of a command; bounds that make no sense hold back nothing: the look before the request refuses them."""
    if command.pace is None and command.send_window is None:
        return Lane(command.channel)
    try:
        return Lane(command.channel, f"rule:{command.rule_id or ''}", bounds_of(command))
    except ValueError:
        return Lane(command.channel)
