"""Why a rule applies to an event, and why the others do not."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from schemas.configuration import Rule
from schemas.events import Event
from streams.paths import Fields
from streams.patterns import Pattern
from streams.routing import RuleError, compiled
from streams.unmet import Unmet, unmet


class Fate(StrEnum):
    """What became of a rule."""

    WINS = "wins"
    BEATEN = "beaten"
    """It matches as well, and another one comes first."""
    CONDITION = "condition"
    """Its pattern and source fit, its condition does not hold."""
    SOURCE = "source"
    """It is for another source system."""
    EVENT_TYPE = "event_type"
    """It is for other event types."""
    DISABLED = "disabled"
    FAULT = "fault"
    """It makes no sense, so it matches nothing."""


class Considered(msgspec.Struct, frozen=True):
    """A rule with its fate and the reason; `unmet` has the false parts of its condition."""

    rule: Rule
    fate: Fate
    reason: str
    unmet: Sequence[Unmet] = ()


def explain(rules: Iterable[Rule], event: Event) -> list[Considered]:
    """What becomes of each rule, the winner first, then those that match, those that nearly do, and all others.

    The winner is the one that `RuleSet.choose` chooses of the same rules.
    """
    fields = Fields(event)
    sighted = [_alone(rule, event, fields) for rule in rules]
    matching = sorted((one.rule for one in sighted if one.fate is Fate.WINS), key=_precedence)
    rest = sorted((one for one in sighted if one.fate is not Fate.WINS), key=_nearness)
    first = [Considered(rule, Fate.WINS, _why_first(rule, matching[1:])) for rule in matching[:1]]
    beaten = [Considered(rule, Fate.BEATEN, _why_beaten(rule, matching[0])) for rule in matching[1:]]
    return [*first, *beaten, *rest]


def _alone(rule: Rule, event: Event, fields: Fields) -> Considered:
    """What would become of a rule were it the only one."""
    try:
        pattern, condition = compiled(rule)
    except RuleError as error:
        fate = Fate.FAULT if rule.is_enabled else Fate.DISABLED
        return Considered(rule, fate, str(error))
    if not pattern.fits(event.event_type):
        return Considered(rule, Fate.EVENT_TYPE, f"it is for {rule.event_type}")
    if not rule.is_enabled:
        return Considered(rule, Fate.DISABLED, "it is disabled")
    if rule.source_system not in {None, event.source_system}:
        return Considered(rule, Fate.SOURCE, f"it is for source_system {rule.source_system}, not {event.source_system}")
    if condition is not None and not condition(fields):
        return Considered(rule, Fate.CONDITION, "its condition does not hold", unmet(rule.conditions or {}, fields))
    return Considered(rule, Fate.WINS, "")


def _precedence(rule: Rule) -> tuple[bool, int, bool, int, str]:
    pattern = Pattern.parse(rule.event_type)
    return (pattern.is_prefix, -pattern.words, rule.source_system is None, rule.priority, rule.id)


_NEARNESS = {Fate.CONDITION: 0, Fate.SOURCE: 1, Fate.DISABLED: 2, Fate.FAULT: 3, Fate.EVENT_TYPE: 4}


def _nearness(one: Considered) -> tuple[int, str]:
    return _NEARNESS[one.fate], one.rule.id


def _why_first(rule: Rule, beaten: Sequence[Rule]) -> str:
    return f"it comes before {beaten[0].id}, which matches too" if beaten else "no other rule matches"


def _why_beaten(rule: Rule, winner: Rule) -> str:
    """The first thing in which the winner comes before a rule that matches as well."""
    mine, theirs = _precedence(rule), _precedence(winner)
    if mine[:2] != theirs[:2]:
        return f"{rule.event_type} is less exact than {winner.event_type}"
    if mine[2] != theirs[2]:
        return f"it is for any source_system, {winner.id} for {winner.source_system}"
    if mine[3] != theirs[3]:
        return f"its priority {rule.priority} comes after {winner.priority}"
    return f"its id comes after {winner.id}, all else being equal"
