"""What is held back for channels that nobody owns, read from MySQL."""

from datetime import datetime

import msgspec

from adapters.mysql.errors import DatabaseError
from infra.database import database
from infra.errors import OperatorError
from infra.settings import Settings


class HeldChannel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel with events in quarantine; `event_types` counts them by type."""

    channel: str
    events: int
    first_received_at: datetime
    last_received_at: datetime
    is_registered: bool
    event_types: dict[str, int]


async def find(settings: Settings) -> list[HeldChannel]:
    """The channels of which something is held, the longest waiting first; OperatorError where MySQL does not answer."""
    db = database(settings)
    try:
        rows = await db.fetch(_HELD)
    except DatabaseError as error:
        raise OperatorError(
            f"The quarantine cannot be read from MySQL: {error}; `posto doctor` says what to do."
        ) from None
    finally:
        await db.close()
    found: dict[str, HeldChannel] = {}
    for row in rows:
        channel, first, last = row["channel_id"], row["first_at"], row["last_at"]
        before = found.get(channel)
        found[channel] = HeldChannel(
            channel=channel,
            events=row["events"] + (before.events if before else 0),
            first_received_at=min(first, before.first_received_at) if before else first,
            last_received_at=max(last, before.last_received_at) if before else last,
            is_registered=bool(row["is_registered"]),
            event_types=(before.event_types if before else {}) | {row["event_type"]: row["events"]},
        )
    return sorted(found.values(), key=lambda held: (held.first_received_at, held.channel))


_HELD = (
    "SELECT event.channel_id, event.event_type, COUNT(*) AS events, "
    "MIN(event.received_at) AS first_at, MAX(event.received_at) AS last_at, "
    "EXISTS (SELECT 1 FROM tenant_message_channels AS channel WHERE channel.canonical_channel = event.channel_id) "
    "AS is_registered "
    "FROM communication_events AS event WHERE event.status = 'quarantined' "
    "GROUP BY event.channel_id, event.event_type ORDER BY event.channel_id, event.event_type"
)
