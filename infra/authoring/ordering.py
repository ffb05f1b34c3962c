"""The order of rules: which of several that fit one event comes first, as far as priorities decide it."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from adapters.mysql.authoring import find
from adapters.mysql.pool import Session
from infra.authoring.edits import Edit, alteration, known
from infra.errors import InvalidError
from schemas.configuration import Rule
from streams.configuration import Key
from streams.patterns import Pattern
from streams.topics import CONFIG_RULE


async def ordering(session: Session, ids: Iterable[str]) -> list[Edit]:
    """The edits by which rules come in this order; InvalidError where priorities do not decide it."""
    keys = [Key(CONFIG_RULE, rule_id) for rule_id in ids]
    if len(set(keys)) < len(keys):
        raise InvalidError("A rule is named twice.", "body.rules")
    rules = []
    for key in keys:
        written = known(key, await find(session, key))
        if not isinstance(written.entry, Rule):
            raise InvalidError(f"Rule {key.id!r} makes no sense: {written.fault}.", "body.rules")
        rules.append(written.entry)
    given = priorities(rules)
    return [alteration(key, {"priority": given[key.id]}) for key in keys]


def priorities(rules: Sequence[Rule]) -> dict[str, int]:
    """The priority of each rule by which they come one after the other, as near as can be to those that they have.

    InvalidError where a rule comes before an earlier one whatever their priorities are.
    """
    for earlier, later in pairwise(rules):
        if _rank(later) < _rank(earlier) and _meet(earlier, later):
            raise InvalidError(
                f"Rule {later.id!r} comes before {earlier.id!r} whatever their priorities are: "
                f"{_aim(later)} is more exact than {_aim(earlier)}.",
                "body.rules",
            )
    given: dict[str, int] = {}
    least: int | None = None
    for rule, priority in zip(rules, sorted(rule.priority for rule in rules), strict=True):
        least = priority if least is None else max(priority, least + 1)
        given[rule.id] = least
    return given


def _rank(rule: Rule) -> tuple[bool, int, bool]:
    """What comes before priority in the choice of a rule (`streams.routing.RuleSet`)."""
    pattern = Pattern.parse(rule.event_type)
    return pattern.is_prefix, -pattern.words, rule.source_system is None


def _meet(one: Rule, other: Rule) -> bool:
    """Whether there are events that fit both."""
    if None not in {one.source_system, other.source_system} and one.source_system != other.source_system:
        return False
    first, second = Pattern.parse(one.event_type), Pattern.parse(other.event_type)
    return _within(first, second) or _within(second, first)


def _within(narrow: Pattern, wide: Pattern) -> bool:
    if wide.is_prefix and narrow.is_prefix:
        return not wide.literal or f"{narrow.literal}.".startswith(f"{wide.literal}.")
    return wide.fits(narrow.literal) if not narrow.is_prefix else False


def _aim(rule: Rule) -> str:
    return f"{rule.event_type} of {rule.source_system}" if rule.source_system else rule.event_type
