"""Previews of a template in force, for a payload from a file."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from infra.errors import OperatorError
from infra.event_files import moment, read_event
from schemas.configuration import Template
from schemas.events import Event
from streams import topics
from streams.billing import MOMENTS
from streams.configuration import Configuration, Key, Published
from streams.normalization.decoding import decode_object
from streams.preview import Preview, moment_of, preview


class PreviewError(OperatorError):
    """There is nothing to preview."""

    exit_code = 2


def previews(
    published: Published,
    name: str,
    payload: bytes,
    *,
    stage: str | None = None,
    at: str | None = None,
    tenant: int | None = None,
    body: str | None = None,
) -> list[Preview]:
    """What a template makes of a payload when a stage begins (or each, of `all`), else at one time, else now."""
    if stage is not None and at is not None:
        raise PreviewError("Give --stage or --at, not both: a stage is a time.")
    template = _template(published, name, body)
    event = _event(payload, None if at is None else moment(at), tenant)
    time_zone = Configuration(published).time_zone(event)
    times = [event.received_at] if stage is None else [moment_of(days, event, time_zone) for days in _days(stage)]
    return [preview(template, msgspec.structs.replace(event, received_at=_sure(time)), time_zone) for time in times]


def _days(stage: str) -> Sequence[int]:
    if found := [days for days, known in MOMENTS if stage in ("all", known)]:
        return found
    raise PreviewError(
        f"--stage {stage}: no such stage; there are {', '.join(dict.fromkeys(dict(MOMENTS).values()))}, all."
    )


def _template(published: Published, name: str, body: str | None) -> Template:
    known = published.entries.get(Key(topics.CONFIG_TEMPLATE, name))
    if body is not None:
        return Template(id=name, body=body)
    if not isinstance(known, Template):
        names = ", ".join(sorted(key.id for key in published.entries if key.topic == topics.CONFIG_TEMPLATE))
        raise PreviewError(f"No template {name!r} is in force; there are: {names or 'none'}.")
    return known


def _event(value: bytes, at: datetime | None, tenant: int | None) -> Event:
    """The event of the file; a payload alone becomes that of an event."""
    try:
        given = decode_object(value)
    except ValueError as error:
        raise PreviewError(f"This is no payload: {error}.") from None
    if "event_type" not in given:
        value = msgspec.json.encode({"source_system": "preview", "event_type": "preview", "payload": given})
    event = read_event(value, at)
    return event if tenant is None else msgspec.structs.replace(event, tenant_id=tenant, channel=None)


def _sure(time: datetime | None) -> datetime:
    if time is None:
        raise PreviewError("The payload has no due date, hence no stage: give it a due_date, or use --at.")
    return time
