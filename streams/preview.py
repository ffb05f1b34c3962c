"""What a template makes of an event, or all that hinders it, for the person who writes the one or sends the other."""

from datetime import UTC, datetime, time, timedelta

import msgspec

from schemas.configuration import Template
from schemas.events import Event
from streams import billing, sandbox
from streams.templates import RenderError, TemplateSet, zone


class Preview(msgspec.Struct, frozen=True):
    """A template's text at one moment. Without a text, `reason` says why, and `absent` what the payload lacks.

    `absent` has every variable of the template that is not there, also those that only another payload would need.
    """

    template: str
    version: int
    at: datetime
    time_zone: str
    stage: str | None
    days_overdue: int | None
    text: str | None = None
    characters: int = 0
    reason: str | None = None
    absent: tuple[str, ...] = ()


def preview(template: Template, event: Event, time_zone: str) -> Preview:
    """The text of a template for an event as of its `received_at`, in a time zone (an IANA name)."""
    local = zone(time_zone)
    today = event.received_at.astimezone(local).date() if local else None
    known = billing.variables(event.payload, today)
    seen = Preview(
        template=template.id,
        version=template.version,
        at=event.received_at.astimezone(local or UTC),
        time_zone=time_zone,
        stage=known["stage"],
        days_overdue=known["days_overdue"],
    )
    try:
        text = TemplateSet([template]).render(template.id, event, time_zone).text
    except RenderError as error:
        absent = () if isinstance(sandbox.compiled(template.body), str) else _absent(template, event, known)
        return msgspec.structs.replace(seen, reason=error.reason, absent=absent)
    return msgspec.structs.replace(seen, text=text, characters=len(text))


def moment_of(days: int, event: Event, time_zone: str) -> datetime | None:
    """Noon of the day so many days from an event's earliest due date; None where it has none."""
    due = billing.due_date(event.payload)
    if due is None:
        return None
    return datetime.combine(due + timedelta(days=days), time(12), zone(time_zone) or UTC).astimezone(UTC)


def _absent(template: Template, event: Event, known: dict[str, object]) -> tuple[str, ...]:
    there = {"event", *event.payload, *known}
    return tuple(sorted(sandbox.names(template.body) - there))
