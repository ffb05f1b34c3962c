"""`channel_health`: what is known of a channel's state, and when something last went through it.

From event.accepted alone: a gateway that calls a channel connected proves nothing, a message does. A repetition counts
as much as what it repeats: which of two emissions came first changes nothing. What waits in quarantine, and repetitions
of it, make no health: nobody knows the channel yet.
"""

from datetime import datetime
from typing import Final

from adapters.mysql.records import Records
from adapters.mysql.statements import Row, cut, greatest, time, upsert, where
from adapters.mysql.steps import Write
from schemas import event_types as types
from schemas.events import AcceptedEvent, Kind
from streams import keys

_SEEN_BY: Final = {
    types.INBOUND_MESSAGE: "last_inbound_at",
    types.OUTBOUND_MESSAGE: "last_outbound_at",
    types.DELIVERY_ACK: "last_ack_at",
}
_HEARD: Final = frozenset({Kind.ACCEPTED, Kind.UPDATED, Kind.DUPLICATE})


def rows(records: Records) -> list[Row]:
    """One row a channel, with the latest of each."""
    seen: dict[str, dict[str, datetime]] = {}
    states: dict[str, tuple[datetime, str]] = {}
    for event in (sighting.event for sighting in records.sightings):
        if event.source_system != keys.GATEWAY or not event.channel or not _is_heard(event):
            continue
        if column := _SEEN_BY.get(event.event_type):
            times = seen.setdefault(event.channel, {})
            times[column] = max(times.get(column, event.occurred_at), event.occurred_at)
        elif event.event_type == types.CONNECTION_UPDATE and isinstance(state := event.payload.get("state"), str):
            told = (event.occurred_at, state)
            states[event.channel] = max(states.get(event.channel, told), told)
    return [_row(channel, seen.get(channel, {}), states.get(channel)) for channel in sorted(seen.keys() | states)]


def _is_heard(event: AcceptedEvent) -> bool:
    return event.kind in _HEARD and (event.kind is not Kind.DUPLICATE or event.decision is None)


def _row(channel: str, seen: dict[str, datetime], state: tuple[datetime, str] | None) -> Row:
    return {
        "channel_id": channel,
        "state": cut(state[1], 50) if state else None,
        "state_at": time(state[0]) if state else None,
        **{column: time(at) for column, at in seen.items()},
    }


_TOLD_LATER: Final = (
    "new.state_at IS NOT NULL AND (old.state_at IS NULL OR new.state_at > old.state_at "
    "OR (new.state_at = old.state_at AND new.state > old.state))"
)

STEPS: Final = (
    Write(
        rows,
        upsert(
            "channel_health",
            ("channel_id", "state", "state_at", "last_inbound_at", "last_outbound_at", "last_ack_at"),
            where(_TOLD_LATER, "state") | greatest("state_at", "last_inbound_at", "last_outbound_at", "last_ack_at"),
        ),
    ),
)
