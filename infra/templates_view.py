"""How templates look to people: the list of them, and what one makes of a payload."""

from collections.abc import Iterable, Iterator

from schemas.configuration import Rule, Template
from streams.configuration import Published
from streams.preview import Preview
from streams.standing import Standing
from streams.templates import MAX_TEXT


def listed(standings: Iterable[Standing], published: Published) -> Iterator[str]:
    """A line for each template, and the reason below where it is not in force as written."""
    yield f"{'template':<32} {'version':>7}  {'state':<9} {'length':>6}  rules"
    for standing in standings:
        template = standing.entry
        if isinstance(template, Template):
            rules = ", ".join(_rules_of(template.id, published))
            about = f"{template.version or '':>7}  {standing.state:<9} {len(template.body):>6}  {rules}"
        else:
            about = f"{'':>7}  {standing.state:<9}"
        yield f"{standing.id:<32} {about}".rstrip()
        if standing.reason:
            yield f"  {standing.reason}"


def told(preview: Preview) -> Iterator[str]:
    """A preview, line by line."""
    version = f" v{preview.version}" if preview.version else ""
    when = f"{preview.at:%Y-%m-%d %H:%M} {preview.time_zone}"
    due = "" if preview.days_overdue is None else f", {_from_due_date(preview.days_overdue)}"
    stage = "" if preview.stage is None else f", stage {preview.stage}"
    yield f"{preview.template}{version} as of {when}{stage}{due}"
    if preview.text is None:
        yield f"  no text: {preview.reason}"
        if preview.absent:
            yield f"  the payload does not have: {', '.join(preview.absent)}"
        return
    yield f"{preview.characters:,} of {MAX_TEXT:,} characters"
    yield from (f"  {line}".rstrip() for line in preview.text.splitlines())


def _from_due_date(days: int) -> str:
    if days == 0:
        return "on the due date"
    number = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    return f"{number} {'after' if days > 0 else 'before'} the due date"


def _rules_of(template: str, published: Published) -> list[str]:
    rules = (entry for entry in published.entries.values() if isinstance(entry, Rule) and entry.is_enabled)
    return sorted(rule.id for rule in rules if rule.template == template)
