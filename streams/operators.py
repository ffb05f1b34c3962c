"""What each operator of a condition says about one value.

Values of different kinds are not equal and have no order: `1` is not `"1"`, and `true` is not `1`. So an operator never
raises, whatever the value; one that cannot be asked of a value does not hold for it.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from streams import regexes

Test = Callable[[Any], bool]
"""Says whether an operator holds for a value."""
Literal = Callable[[Any], Any]
"""Makes of an operand what values are compared with; ValueError where it cannot."""

_NUMBERS: Final = frozenset({int, float})


def negated(test: Test) -> Test:
    """The contrary; it holds where the test does not, so also for a value of another kind."""
    return lambda value: not test(value)


def _equal(operand: Any, literal: Literal) -> Test:
    wanted = literal(operand)
    if isinstance(wanted, str):
        return lambda value: bool(value == wanted)
    return lambda value: _same(value, wanted)


def _one_of(operand: Any, literal: Literal) -> Test:
    _require(isinstance(operand, list), "must be a list")
    wanted = [literal(item) for item in operand]
    texts = frozenset(item for item in wanted if isinstance(item, str))
    others = [item for item in wanted if not isinstance(item, str)]
    return lambda value: value in texts if isinstance(value, str) else any(_same(value, item) for item in others)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Literal], Test]:
    def build(operand: Any, literal: Literal) -> Test:
        bound = literal(operand)
        if type(bound) in _NUMBERS:
            return lambda value: type(value) in _NUMBERS and compare(value, bound)
        if isinstance(bound, str):
            return lambda value: isinstance(value, str) and compare(value, bound)
        if isinstance(bound, datetime):
            return lambda value: isinstance(value, datetime) and compare(value, bound)
        raise ValueError("must be a number or a text")

    return build


def _exists(operand: Any, _: Literal) -> Test:
    _require(isinstance(operand, bool), "must be true or false")
    return lambda value: (value is not None) is operand


def _starts_with(operand: Any, _: Literal) -> Test:
    _require(isinstance(operand, str), "must be a text")
    return lambda value: isinstance(value, str) and value.startswith(operand)


def _regex(operand: Any, _: Literal) -> Test:
    _require(isinstance(operand, str), "must be a text")
    found = regexes.search(operand)
    return lambda value: isinstance(value, str) and found(value)


OPERATORS: Final[Mapping[str, Callable[[Any, Literal], Test]]] = {
    "$eq": _equal,
    "$ne": lambda operand, literal: negated(_equal(operand, literal)),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$in": _one_of,
    "$nin": lambda operand, literal: negated(_one_of(operand, literal)),
    "$exists": _exists,
    "$startsWith": _starts_with,
    "$regex": _regex,
}
"""By its name, what makes a test of an operand; ValueError where the operand makes no sense."""


def _same(left: Any, right: Any) -> bool:
    """Equality as JSON has it: `True` is not `1`, at any depth. Recursion ends with the shallower of both."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _require(fits: bool, reason: str) -> None:
    if not fits:
        raise ValueError(reason)
