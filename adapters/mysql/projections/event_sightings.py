"""`event_sightings`: every raw record in which an event was seen.

What the hub itself adds to an event, such as a file that it fetched, is no sighting.
"""

from typing import Final

from adapters.mysql.records import Records
from adapters.mysql.statements import Row, time, upsert
from adapters.mysql.steps import Write
from streams import topics


def rows(records: Records) -> list[Row]:
    """One row a record of event.accepted that a raw record brought about."""
    return [
        {
            "raw_topic": event.raw.topic,
            "raw_partition": event.raw.partition,
            "raw_offset": event.raw.offset,
            "event_id": event.event_id,
            "kind": event.kind,
            "fingerprint": event.fingerprint,
            "trace_id": event.trace_id,
            "received_at": time(event.received_at),
        }
        for event in (sighting.event for sighting in records.sightings)
        if event.raw.topic in topics.RAW
    ]


STEPS: Final = (
    Write(
        rows,
        upsert(
            "event_sightings",
            ("raw_topic", "raw_partition", "raw_offset", "event_id", "kind", "fingerprint", "trace_id", "received_at"),
            # A record that was rejected or quarantined may be accepted when it comes again. One that was redriven
            # though it had been routed is a duplicate of itself: what it was first stands.
            {"kind": "IF(new.kind = 'duplicate', old.kind, new.kind)"},
        ),
    ),
)
