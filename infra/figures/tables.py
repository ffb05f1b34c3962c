"""What MySQL says of a hub: open commands, what waits for a person, its channels."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adapters.mysql.pool import Row, Session
from schemas.configuration import WPP_GATEWAY
from streams.deliveries import OPEN
from streams.identity import canonical_channel


class ChannelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One registered channel: what is known of its state, and the last signs of life by its phone.

    Messages are those of contacts and of the phone itself; what the gateway says of itself is no sign of life.
    """

    channel: str
    tenant_id: int
    is_enabled: bool
    state: str | None
    state_at: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    last_ack_at: datetime | None

    @property
    def last_sign_at(self) -> datetime | None:
        """When anything was last heard of it that only a living session can tell."""
        return max(filter(None, (self.last_inbound_at, self.last_outbound_at, self.last_ack_at)), default=None)


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """`commands`: those that are not over, by state; `waiting_since`: when the last was heard of the one of them that
    has waited longest. `dead_letters`: those that nobody redrove or discarded. `quarantined`: events that wait for
    their channel to be registered.
    """

    commands: dict[str, int]
    waiting_since: dict[str, datetime]
    dead_letters: int
    quarantined: int
    channels: list[ChannelFigures]


async def read_tables(session: Session) -> Tables:
    """All of it; raises DatabaseError."""
    waiting = {row["status"]: row for row in await session.fetch(_COMMANDS, OPEN)}
    return Tables(
        commands={status: waiting[status]["number"] if status in waiting else 0 for status in OPEN},
        waiting_since={status: row["since"].replace(tzinfo=UTC) for status, row in waiting.items()},
        dead_letters=(await session.fetch(_DEAD_LETTERS))[0]["number"],
        quarantined=(await session.fetch(_QUARANTINED))[0]["number"],
        channels=_channels(await session.fetch(_CHANNELS, (WPP_GATEWAY,)), await session.fetch(_HEALTH)),
    )


def _channels(registered: list[Row], health: list[Row]) -> list[ChannelFigures]:
    """Joined here: no column of MySQL spells a channel quite as we do."""
    healths = {row["channel_id"]: row for row in health}
    found = {}
    for row in registered:
        channel = canonical_channel(row["channel_id"])
        said: dict[str, Any] = healths.get(channel, {})
        times = ("state_at", "last_inbound_at", "last_outbound_at", "last_ack_at")
        found[channel] = ChannelFigures(
            channel=channel,
            tenant_id=row["tenant_id"],
            is_enabled=bool(row["is_enabled"]),
            state=said.get("state"),
            **{name: _utc(said.get(name)) for name in times},
        )
    return [found[channel] for channel in sorted(found)]


def _utc(naive: datetime | None) -> datetime | None:
    return None if naive is None else naive.replace(tzinfo=UTC)


_COMMANDS: Final = (
    "SELECT status, COUNT(*) AS number, MIN(updated_at) AS since FROM outbound_messages "  # noqa: S608
    f"WHERE status IN ({', '.join(['%s'] * len(OPEN))}) GROUP BY status"
)
_DEAD_LETTERS: Final = "SELECT COUNT(*) AS number FROM dead_letters WHERE state = 'open'"
_QUARANTINED: Final = "SELECT COUNT(*) AS number FROM communication_events WHERE status = 'quarantined'"
_CHANNELS: Final = (
    "SELECT channel.channel_id, channel.tenant_id, channel.is_enabled AND tenant.is_enabled AS is_enabled "
    "FROM tenant_message_channels AS channel JOIN tenants AS tenant ON tenant.id = channel.tenant_id "
    "WHERE channel.provider = %s"
)
_HEALTH: Final = (
    "SELECT channel_id, state, state_at, last_inbound_at, last_outbound_at, last_ack_at FROM channel_health"
)
