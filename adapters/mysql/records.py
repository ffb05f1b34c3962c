"""What the projector takes: records of the log, decoded."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

import msgspec

from schemas.audit import AuditChange
from schemas.contacts import ContactLink
from schemas.conversations import ConversationChange
from schemas.deliveries import DeliveryFact
from schemas.events import AcceptedEvent
from schemas.http_actions import HttpFact
from streams import identity, topics
from streams.contact_links import linkable
from streams.records import Record


class ProjectionError(ValueError):
    """One record cannot be projected, now or ever: it belongs into the dead letters. `reason` is a machine word."""

    def __init__(self, record: Record, reason: str, message: str) -> None:
        self.record = record
        self.reason = reason
        super().__init__(f"{reason}: {message}")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record of event.accepted; `recorded_at` is the record's time."""

    event: AcceptedEvent
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """One record of delivery.status; `recorded_at` is when Kafka got it, whatever time the fact itself tells."""

    fact: DeliveryFact
    partition: int
    offset: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """One record of audit.change."""

    change: AuditChange
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One record of http.status."""

    fact: HttpFact
    partition: int
    offset: int


Decoded = Sighting | Report | Posting | ContactLink | ConversationChange | Done | Record
"""A dead letter needs no decoding: whatever it holds is shown as it is."""


@dataclass(slots=True)
class Records:
    """Decoded records, by what they are; each list in the order of the log."""

    sightings: list[Sighting] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    links: list[ContactLink] = field(default_factory=list)
    conversation_changes: list[ConversationChange] = field(default_factory=list)
    changes: list[Done] = field(default_factory=list)
    letters: list[Record] = field(default_factory=list)

    @classmethod
    def of(cls, decoded: Iterable[Decoded]) -> Self:
        """Sort them out."""
        records = cls()
        for one in decoded:
            match one:
                case Sighting():
                    records.sightings.append(one)
                case Report():
                    records.reports.append(one)
                case Posting():
                    records.postings.append(one)
                case ContactLink():
                    records.links.append(one)
                case ConversationChange():
                    records.conversation_changes.append(one)
                case Done():
                    records.changes.append(one)
                case _:
                    records.letters.append(one)
        return records


_decode_event: Final = msgspec.json.Decoder(AcceptedEvent).decode
_decode_fact: Final = msgspec.json.Decoder(DeliveryFact).decode
_decode_posting: Final = msgspec.json.Decoder(HttpFact).decode
_decode_link: Final = msgspec.json.Decoder(ContactLink).decode
_decode_conversation_change: Final = msgspec.json.Decoder(ConversationChange).decode
_decode_change: Final = msgspec.json.Decoder(AuditChange).decode


def decode(record: Record) -> Decoded:
    """Decode a record of one of the projected topics; ProjectionError where it cannot be. A dead letter always can."""
    try:
        match record.topic:
            case topics.EVENT_ACCEPTED:
                return Sighting(_decode_event(record.value or b""), moment(record.timestamp))
            case topics.DELIVERY_STATUS:
                fact = _decode_fact(record.value or b"")
                return Report(fact, record.partition, record.offset, moment(record.timestamp))
            case topics.HTTP_STATUS:
                return Posting(_decode_posting(record.value or b""), record.partition, record.offset)
            case topics.CONTACT_LINK:
                link = _decode_link(record.value or b"")
                if linkable(link.lid, link.phone) != (link.lid, link.phone):
                    raise ProjectionError(record, "undecodable", "it names no match key of a lid and no phone")
                return link
            case topics.CONVERSATION_CHANGE:
                change = _decode_conversation_change(record.value or b"")
                if identity.parties_of(change.conversation_id) is None:
                    raise ProjectionError(record, "undecodable", "it names no conversation of a channel with a contact")
                return change
            case topics.AUDIT_CHANGE:
                return Done(_decode_change(record.value or b""), record.partition, record.offset)
            case topics.DEAD_LETTER:
                return record
            case topic:
                raise ProjectionError(record, "unknown_topic", f"nothing is projected from {topic}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProjectionError(record, "undecodable", str(error)) from error


def moment(milliseconds: int) -> datetime:
    """The time of a record, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
