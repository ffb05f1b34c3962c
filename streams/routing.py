"""Which rule applies to an event."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.configuration import Rule
from schemas.events import Event
from streams.conditions import Condition, ConditionError, compile_condition

_PATTERN: Final = re.compile(r"(?:[^\s.*]+\.)*(?:[^\s.*]+|\*)")


@dataclass(frozen=True)
class RuleFault:
    """A rule that can never match, and why."""

    rule_id: str
    reason: str


class PatternError(ValueError):
    """An event type pattern that is not dot-separated names with at most a last `*`."""


def _parsed(pattern: str) -> tuple[str, bool]:
    """The literal part of a pattern, and whether it is only the beginning of what matches."""
    if not _PATTERN.fullmatch(pattern):
        raise PatternError("event_type must be names joined by dots; only the last may be *")
    is_prefix = pattern.endswith("*")
    return pattern.removesuffix("*").removesuffix(".") if is_prefix else pattern, is_prefix


class RuleSet:
    """Rules, indexed by their patterns.

    The first rule that matches wins, in this order: an exact event type, a longer prefix, a shorter one, `*`; then a
    rule for the event's source before one for any; then the lower priority number; then the id. A rule matches when
    it is enabled, its pattern and its source fit, and its conditions hold. `faults` names the enabled rules that
    cannot match, because their pattern or their conditions make no sense; they are no hindrance to the others.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        faults: list[RuleFault] = []
        exact: dict[tuple[str, str | None], list[tuple[Rule, Condition | None]]] = defaultdict(list)
        prefix: dict[tuple[str, str | None], list[tuple[Rule, Condition | None]]] = defaultdict(list)
        depth = 0
        for rule in sorted(rules, key=lambda rule: (rule.priority, rule.id)):
            if not rule.is_enabled:
                continue
            try:
                literal, is_prefix = _parsed(rule.event_type)
                condition = compile_condition(rule.conditions) if rule.conditions else None
            except (PatternError, ConditionError) as error:
                faults.append(RuleFault(rule.id, str(error)))
                continue
            if is_prefix:
                depth = max(depth, literal.count(".") + 1)
            (prefix if is_prefix else exact)[literal, rule.source_system].append((rule, condition))
        self._exact = dict(exact)
        self._prefix = dict(prefix)
        self._depth = depth
        self.faults = tuple(faults)

    def choose(self, event: Event) -> Rule | None:
        """The rule that applies to an event. Costs its segments and the rules that share its best patterns."""
        fields = None
        for rule, condition in self._candidates(event.event_type, event.source_system):
            if condition is None:
                return rule
            fields = msgspec.structs.asdict(event) if fields is None else fields
            if condition(fields):
                return rule
        return None

    def _candidates(self, event_type: str, source: str) -> Iterator[tuple[Rule, Condition | None]]:
        yield from self._exact.get((event_type, source), ())
        yield from self._exact.get((event_type, None), ())
        head = event_type.split(".", self._depth)[:-1]  # no more of it than the deepest prefix has
        while head:
            literal = ".".join(head)
            yield from self._prefix.get((literal, source), ())
            yield from self._prefix.get((literal, None), ())
            head.pop()
        yield from self._prefix.get(("", source), ())
        yield from self._prefix.get(("", None), ())
