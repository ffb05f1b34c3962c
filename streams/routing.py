"""Which rule applies to an event."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.configuration import Rule
from schemas.events import Event
from streams.conditions import Condition, ConditionError, compile_condition, demands
from streams.paths import Fields
from streams.patterns import Pattern, PatternError
from streams.shelf import Entry, Shelf

_KNOWN_TYPES: Final = 4096
"""Of so many event types and sources it is remembered which patterns fit; anybody may send more."""


@dataclass(frozen=True)
class RuleFault:
    """A rule that can never match: `place` is where it is wrong, such as `conditions.amount.$gt`."""

    rule_id: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class RuleSet:
    """Rules, indexed by their patterns.

    The first rule that matches wins, in this order: an exact event type, a longer prefix, a shorter one, `*`; then a
    rule for the event's source before one for any; then the lower priority number; then the id. A rule matches when
    it is enabled, its pattern and its source fit, and its conditions hold. `faults` names the enabled rules that
    cannot match, because their pattern or their conditions make no sense; they are no hindrance to the others.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        faults: list[RuleFault] = []
        shelves: dict[tuple[Pattern, str | None], list[Entry]] = defaultdict(list)
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.priority, rule.id)))
        for rule in self.rules:
            if not rule.is_enabled:
                continue
            try:
                pattern, condition = compiled(rule)
            except RuleError as error:
                faults.append(RuleFault(rule.id, error.place, error.reason))
                continue
            shelves[pattern, rule.source_system].append(Entry(rule, condition, demands(rule.conditions)))
        made = {(pattern, source): Shelf(entries) for (pattern, source), entries in shelves.items()}
        self._exact = {(key.literal, source): shelf for (key, source), shelf in made.items() if not key.is_prefix}
        self._prefix = {(key.literal, source): shelf for (key, source), shelf in made.items() if key.is_prefix}
        self._depth = max((pattern.words for pattern, _ in made if pattern.is_prefix), default=0)
        self.faults = tuple(faults)
        self._shelves = lru_cache(_KNOWN_TYPES)(lambda event_type, source: tuple(self._candidates(event_type, source)))

    def choose(self, event: Event) -> Rule | None:
        """The rule that applies to an event; `streams.explanation` says why. Costs its words and its best patterns."""
        shelves = self._shelves(event.event_type, event.source_system)
        if not shelves:
            return None
        if (sure := shelves[0].sure) is not None:
            return sure
        fields = Fields(event)
        for shelf in shelves:
            if (rule := shelf.first(fields)) is not None:
                return rule
        return None

    def _candidates(self, event_type: str, source: str) -> Iterator[Shelf]:
        for key in ((event_type, source), (event_type, None)):
            if (shelf := self._exact.get(key)) is not None:
                yield shelf
        head = event_type.split(".", self._depth)[:-1]  # no more of it than the deepest prefix has
        while True:
            literal = ".".join(head)
            for key in ((literal, source), (literal, None)):
                if (shelf := self._prefix.get(key)) is not None:
                    yield shelf
            if not head:
                return
            head.pop()


class RuleError(ValueError):
    """A rule that makes no sense, with the place where."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


def compiled(rule: Rule) -> tuple[Pattern, Condition | None]:
    """A rule's pattern and condition, ready for use; RuleError where one of them makes no sense."""
    try:
        pattern = Pattern.parse(rule.event_type)
    except PatternError as error:
        raise RuleError("event_type", str(error)) from None
    try:
        return pattern, compile_condition(rule.conditions) if rule.conditions else None
    except ConditionError as error:
        raise RuleError(error.where, error.reason) from None
