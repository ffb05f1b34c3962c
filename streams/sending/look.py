"""The look right before a request: may this command still go out, and by which spelling of its channel? Pure."""

from datetime import datetime

from schemas.commands import Command
from schemas.configuration import Channel
from streams.sending.inputs import Late, Withheld

CHANNEL_CHANGED = "channel_changed"


def look(command: Command, attempt: int, channel: Channel | None, now: datetime) -> Channel | Withheld | Late:
    """The channel to send by, or why the request must not leave.

    The channel must be there, enabled, and still of the tenant for whom the command was made.
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
    return channel
