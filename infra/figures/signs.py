"""When each channel was heard of: its signs of life, read from MySQL and kept by the hour."""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.mysql.pool import Session
from schemas import event_types
from streams import keys
from streams.silence import HISTORY, hour_of

_KEPT: Final = 2 * HISTORY
_SLICE: Final = timedelta(days=1)
_LATE: Final = timedelta(minutes=10)
"""What is received may come into the tables so much later; the look-out waits where it is more."""


class Signs:
    """Messages of contacts, messages of the phone itself and acks, by when they were received.

    A presence is none, nor is what the gateway says of a channel: both go on when its session is dead.
    """

    def __init__(self) -> None:
        self._hours: defaultdict[str, set[int]] = defaultdict(set)
        self._last: dict[str, datetime] = {}
        self._until: datetime | None = None

    async def learn(self, session: Session, now: datetime) -> None:
        """Learn what came since the last time; at first, of the last four weeks. Raises DatabaseError."""
        start = self._until - _LATE if self._until else now - _KEPT
        while start < now:
            end = min(start + _SLICE, now)
            for row in await session.fetch(_SIGNS, (start, end, *_TYPES, keys.GATEWAY)):
                last = row["last_at"].replace(tzinfo=UTC)
                self._hours[row["channel_id"]].add(int(row["hour"]))
                self._last[row["channel_id"]] = max(last, self._last.get(row["channel_id"], last))
            start = end
        self._until = now
        self._forget(hour_of(now - _KEPT))

    def hours(self, channel: str) -> AbstractSet[int]:
        """The hours in which there was one."""
        return self._hours.get(channel, set())

    def last(self, channel: str) -> datetime | None:
        """When the last one came, if it was in the last four weeks."""
        return self._last.get(channel)

    def _forget(self, before: int) -> None:
        for hours in self._hours.values():
            hours.difference_update([hour for hour in hours if hour < before])


_TYPES: Final = (event_types.INBOUND_MESSAGE, event_types.OUTBOUND_MESSAGE, event_types.DELIVERY_ACK)
_SIGNS: Final = """
SELECT channel_id, FLOOR(UNIX_TIMESTAMP(received_at) / 3600) AS hour, MAX(received_at) AS last_at
FROM communication_events
WHERE received_at >= %s AND received_at < %s AND event_type IN (%s, %s, %s) AND source_system = %s
    AND channel_id IS NOT NULL
GROUP BY channel_id, hour
"""
