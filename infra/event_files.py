"""An event from a file, in whatever form it is at hand: as a producer sends it, as a topic holds it, or a webhook."""

import re
from datetime import UTC, datetime
from typing import Final

import msgspec

from infra.errors import OperatorError
from schemas.events import Coordinates, Event
from streams import timestamps, topics
from streams.normalization import events, webhooks
from streams.normalization.decoding import decode_object
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_decode_event: Final = msgspec.json.Decoder(Event).decode


class EventFileError(OperatorError):
    """The file holds no event."""

    exit_code = 2


def moment(text: str) -> datetime:
    """A time as it is given on the command line; a date alone is its noon, in UTC."""
    try:
        return timestamps.parse(f"{text}T12:00:00" if _DATE.fullmatch(text) else text)
    except ValueError as error:
        raise EventFileError(f"--at: {error}.") from None


def read_event(value: bytes, at: datetime | None) -> Event:
    """The event of an EventIn, of a record of `event.normalized` or `event.accepted`, or of a webhook's body.

    It is taken as received `at` that time; without one, as it says itself, else now.
    """
    now = at or datetime.now(UTC)
    try:
        body = decode_object(value)
        if "event_id" in body and "fingerprint" in body:
            event = _decode_event(value)
            return event if at is None else msgspec.structs.replace(event, received_at=at)
        if "source_system" in body or "event_type" in body:
            return events.normalize(value, _raw(topics.RAW_EVENT, now))
        found = webhooks.normalize(value, _raw(topics.RAW_WEBHOOK, now))
    except ValueError as error:
        raise EventFileError(f"This is no event: {error}.") from None
    if isinstance(found, Noise):
        raise EventFileError(f"This webhook is technical noise ({found.kind}): it makes no event.")
    return found[0].event


def _raw(topic: str, at: datetime) -> RawRecord:
    return RawRecord(Coordinates(topic, 0, 0), timestamps.milliseconds(at))
