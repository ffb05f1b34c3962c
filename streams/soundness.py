"""Whether an entry of the configuration makes sense by itself, and where it does not."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from schemas.configuration import Channel, Rule, Template
from streams.configuration import Entry
from streams.routing import RuleSet
from streams.send_bounds import Bounds, bounds_of, bounds_of_channel
from streams.templates import TemplateSet

EntryT = TypeVar("EntryT", Rule, Channel)
MadeT = TypeVar("MadeT", Rule, Template)


def rule_of(fields: dict[str, Any]) -> Rule:
    """The rule that these fields make; ValueError says where they make none, as `action: Invalid enum value 'fly'`."""
    return _converted(fields, Rule)


def template_of(fields: dict[str, Any]) -> Template:
    """The same of a template."""
    return _converted(fields, Template)


def _converted(fields: dict[str, Any], kind: type[MadeT]) -> MadeT:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_place_first(str(error))) from None


def fault_of(entry: Entry) -> str | None:
    """Why an entry does not compile, with the place; None where it does."""
    match entry:
        case Rule():
            return next((str(fault) for fault in RuleSet([entry]).faults), None) or _refusal(bounds_of, entry)
        case Template():
            return next((f"body: {fault.reason}" for fault in TemplateSet([entry]).faults), None)
        case Channel():
            return _refusal(bounds_of_channel, entry)


def _refusal(read: Callable[[EntryT], Bounds], entry: EntryT) -> str | None:
    try:
        read(entry)
    except ValueError as error:
        return str(error)
    return None


def _place_first(message: str) -> str:
    """`action: Invalid enum value` of msgspec's ``Invalid enum value - at `$.action` ``."""
    reason, found, place = message.partition(" - at `$.")
    return f"{place.rstrip('`')}: {reason}" if found else reason
