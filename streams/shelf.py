"""Rules that share a pattern and a source, in their order: the first whose condition holds, without asking all.

Many rules for one event type are mostly told apart by a field: the tenant, the plan, the state. So what a condition
demands for sure is looked up instead of tried: such a rule is asked only where the field has one of its values.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.configuration import Rule
from streams.conditions import Condition, Demands
from streams.paths import Fields

_FEW: Final = 8
"""So many rules are asked one after the other: that is as fast as a look-up."""
_LOOKED_UP: Final = frozenset({str, int, float})


class Entry(NamedTuple):
    """A rule, its compiled condition, and what that demands for sure."""

    rule: Rule
    condition: Condition | None
    demands: Demands


class Shelf:
    """The rules of one pattern and source."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self.sure = entries[0].rule if entries and entries[0].condition is None else None
        """The rule that applies whatever an event says, where nothing stands before it."""
        telling = _most_telling(entries) if len(entries) > _FEW else [None] * len(entries)
        self._always = [place for place, path in enumerate(telling) if path is None]
        indexes: dict[str, dict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, (entry, path) in enumerate(zip(entries, telling, strict=True)):
            if path is not None:
                for value in entry.demands[path]:
                    indexes[path][value].append(place)
        self._indexes: Mapping[str, Mapping[Any, list[int]]] = {path: dict(indexes[path]) for path in indexes}

    def first(self, fields: Fields) -> Rule | None:
        """The first rule whose condition holds for an event's fields."""
        for place in self._places(fields):
            rule, condition, _ = self._entries[place]
            if condition is None or condition(fields):
                return rule
        return None

    def _places(self, fields: Fields) -> Sequence[int]:
        """Where the rules stand that may match."""
        places = self._always
        for path, index in self._indexes.items():
            value = fields[path]
            if type(value) in _LOOKED_UP and (found := index.get(value)):
                places = sorted([*places, *found]) if places else found
        return places


def _most_telling(entries: Sequence[Entry]) -> list[str | None]:
    """For each rule the path that tells it apart best: the one of its demands with the most values over all rules."""
    values: dict[str, set[Any]] = defaultdict(set)
    for entry in entries:
        for path, wanted in entry.demands.items():
            values[path] |= wanted
    return [max(entry.demands, key=lambda path: len(values[path]), default=None) for entry in entries]
