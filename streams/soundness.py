"""Whether an entry of the configuration makes sense by itself, and where it does not."""

from typing import Any

import msgspec

from schemas.configuration import Rule, Template
from streams.configuration import Entry
from streams.routing import RuleSet
from streams.templates import TemplateSet


def rule_of(fields: dict[str, Any]) -> Rule:
    """The rule that these fields make; ValueError says where they make none, as `action: Invalid enum value 'fly'`."""
    try:
        return msgspec.convert(fields, Rule)
    except msgspec.ValidationError as error:
        raise ValueError(_place_first(str(error))) from None


def fault_of(entry: Entry) -> str | None:
    """Why a rule or template does not compile, with the place; None where it does."""
    match entry:
        case Rule():
            return next((str(fault) for fault in RuleSet([entry]).faults), None)
        case Template():
            return next((f"body: {fault.reason}" for fault in TemplateSet([entry]).faults), None)
        case _:
            return None


def _place_first(message: str) -> str:
    """`action: Invalid enum value` of msgspec's ``Invalid enum value - at `$.action` ``."""
    reason, found, place = message.partition(" - at `$.")
    return f"{place.rstrip('`')}: {reason}" if found else reason
