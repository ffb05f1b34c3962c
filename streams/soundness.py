"""Whether an entry of the configuration makes sense by itself, and where it does not."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from schemas.configuration import Channel, Rule, Target, Template
from streams.addresses import url_fault
from streams.configuration import Entry
from streams.http_actions import ACTIONS
from streams.routing import RuleSet
from streams.send_bounds import Bounds, bounds_of, bounds_of_channel
from streams.templates import TemplateSet

EntryT = TypeVar("EntryT", Rule, Channel)
MadeT = TypeVar("MadeT", Rule, Template, Target)

LONGEST_TIMEOUT: Final = 120.0
"""Seconds that a target may take."""

_TARGET_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def rule_of(fields: dict[str, Any]) -> Rule:
    """The rule that these fields make; ValueError says where they make none, as `action: Invalid enum value 'fly'`."""
    return _converted(fields, Rule)


def template_of(fields: dict[str, Any]) -> Template:
    """The same of a template."""
    return _converted(fields, Template)


def target_of(fields: dict[str, Any]) -> Target:
    """The same of a target."""
    return _converted(fields, Target)


def _converted(fields: dict[str, Any], kind: type[MadeT]) -> MadeT:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_place_first(str(error))) from None


def fault_of(entry: Entry) -> str | None:
    """Why an entry does not compile, with the place; None where it does."""
    match entry:
        case Rule():
            return (
                next((str(fault) for fault in RuleSet([entry]).faults), None)
                or _refusal(bounds_of, entry)
                or _no_target(entry)
            )
        case Template():
            return next((f"body: {fault.reason}" for fault in TemplateSet([entry]).faults), None)
        case Channel():
            return _refusal(bounds_of_channel, entry)
        case Target():
            return _target_fault(entry)


def _no_target(rule: Rule) -> str | None:
    posts = rule.action in ACTIONS
    if posts == (rule.target is not None):
        return None
    return f"target: the action {rule.action} needs one" if posts else f"target: the action {rule.action} has none"


def _target_fault(target: Target) -> str | None:
    if not _TARGET_ID.fullmatch(target.id):
        return "name: must be letters, digits, dots, dashes and underscores, at most 100"
    if (fault := url_fault(target.url)) is not None:
        return f"url: {fault}"
    if not 0 < target.timeout_seconds <= LONGEST_TIMEOUT:
        return f"timeout_seconds: must be more than 0 and at most {LONGEST_TIMEOUT:.0f}"
    return None if target.secret_version >= 1 else "secret_version: must be at least 1"


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
