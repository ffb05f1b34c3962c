"""The look right before a request: may this command still go out, and by which spelling of its channel? Pure."""

from datetime import datetime

from schemas.commands import Command
from schemas.configuration import Channel
from streams.send_bounds import UNBOUND, Bounds, bounds_of, bounds_of_channel
from streams.sending.inputs import Late, Withheld

CHANNEL_CHANGED = "channel_changed"
INVALID_BOUNDS = "invalid_bounds"
NEVER_IN_WINDOW = "never_in_window"


def look(command: Command, attempt: int, channel: Channel | None, now: datetime) -> Channel | Withheld | Late:
    """The channel to send by, or why the request must not leave.

    The channel must be there, enabled, and still of the tenant for whom the command was made; there must be a time at
    which the windows of rule and channel let it go.
    """
    if command.expires_at is not None and command.expires_at <= now:
        return Late(attempt)
    if channel is None:
        return Withheld(attempt, CHANNEL_CHANGED, "the channel is gone")
    if channel.tenant.id != command.tenant_id:
        return Withheld(attempt, CHANNEL_CHANGED, "the channel belongs to another tenant")
    if not channel.is_enabled:
        return Withheld(attempt, CHANNEL_CHANGED, "the channel is disabled")
    if not channel.tenant.is_enabled:
        return Withheld(attempt, CHANNEL_CHANGED, "the tenant is disabled")
    return _bounded(command, attempt, channel)


def _bounded(command: Command, attempt: int, channel: Channel) -> Channel | Withheld:
    """Refuse bounds that make no sense, which nobody published, and windows of rule and channel that never meet."""
    try:
        bounds = bounds_of(command)
    except ValueError as error:
        return Withheld(attempt, INVALID_BOUNDS, str(error))
    if bounds.window and not bounds.meets(_of(channel)):
        return Withheld(attempt, NEVER_IN_WINDOW, "the send windows of its rule and of its channel never meet")
    return channel


def _of(channel: Channel) -> Bounds:
    """The channel's bounds; those that make no sense bound nothing (`gates`)."""
    try:
        return bounds_of_channel(channel)
    except ValueError:
        return UNBOUND
