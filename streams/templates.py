"""Message texts: the templates that rules name, rendered for an event."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from schemas.configuration import Template
from schemas.events import Event
from streams import billing, sandbox

MAX_TEXT: Final = 4096
"""Longest message, in characters: what WhatsApp's own API takes. WhatsApp Web takes 65,536, but nobody reads that."""
DEFAULT_TIME_ZONE: Final = "America/Sao_Paulo"

_EVENT: Final = "event"
_GAP: Final = re.compile(r"\n{3,}")


class RenderError(ValueError):
    """A template that cannot be rendered for an event. `variable` names the one that is missing, if that is why."""

    def __init__(self, template: str, reason: str, variable: str | None = None) -> None:
        super().__init__(f"template {template!r}: {reason}")
        self.template = template
        self.reason = reason
        self.variable = variable


class Rendered(NamedTuple):
    """A text, and the version of the template that it was made from."""

    text: str
    version: int


@dataclass(frozen=True)
class TemplateFault:
    """A template that can never be rendered, and why."""

    template_id: str
    reason: str


class TemplateSet:
    """Templates by name. `faults` names the enabled ones that do not compile."""

    def __init__(self, templates: Iterable[Template] = ()) -> None:
        self._templates = {template.id: template for template in templates if template.is_enabled}
        self._compiled = {name: sandbox.compiled(template.body) for name, template in self._templates.items()}
        self._about_events = {name for name, template in self._templates.items() if _EVENT in template.body}
        self.faults = tuple(
            TemplateFault(name, compiled) for name, compiled in self._compiled.items() if isinstance(compiled, str)
        )

    def __contains__(self, name: object) -> bool:
        return name in self._templates

    def names(self, name: str) -> frozenset[str]:
        """The variables that an enabled template which compiles takes from outside; of any other, none."""
        works = name in self._templates and not isinstance(self._compiled[name], str)
        return sandbox.names(self._templates[name].body) if works else frozenset()

    def render(self, name: str, event: Event, time_zone: str = DEFAULT_TIME_ZONE) -> Rendered:
        """The text of a template for an event, as of `event.received_at` in `time_zone` (an IANA name).

        A template sees the fields of the payload, `event`, and the variables of `streams.billing`. Several blank
        lines become one, so that a sentence left out leaves no gap. RenderError says what hinders.
        """
        if name not in self._templates:
            raise RenderError(name, "does not exist or is disabled")
        template, compiled = self._templates[name], self._compiled[name]
        if isinstance(compiled, str):
            raise RenderError(name, compiled)
        try:
            variables = _variables(event, time_zone, with_event=name in self._about_events)
            text = _bounded(compiled.generate(sandbox.context(variables)))
        except sandbox.MissingVariableError as error:
            if str(error.name) not in template.body:  # `plans[plan]`: the name is a value of somebody's
                raise RenderError(name, "a field that a value names is missing") from None
            raise RenderError(name, f"variable {error.name!r} is missing", error.name) from None
        except sandbox.FAULTS as error:
            raise RenderError(name, str(error) or type(error).__name__) from None
        text = (_GAP.sub("\n\n", text) if "\n\n\n" in text else text).strip()
        if not text:
            raise RenderError(name, "the text is empty")
        return Rendered(text, template.version)


def zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def _variables(event: Event, time_zone: str, *, with_event: bool) -> dict[str, Any]:
    local = zone(time_zone)
    today = event.received_at.astimezone(local).date() if local else None
    variables = event.payload | billing.variables(event.payload, today)
    if with_event:  # few templates look at it
        fields = msgspec.structs.asdict(event).items()
        variables[_EVENT] = {
            field: value.astimezone(local) if isinstance(value, datetime) else value for field, value in fields
        }
    return variables


def _bounded(parts: Iterable[str]) -> str:
    text = ""
    for part in parts:
        text += part
        if len(text) > MAX_TEXT:
            raise ValueError(f"the text is longer than {MAX_TEXT} characters")
    return text
