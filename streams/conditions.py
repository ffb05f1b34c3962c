"""Conditions of rules: a JSON operator language over an event's fields, compiled once into a closure.

    {"payload.amount": {"$gte": 100}, "source_system": "erp", "$or": [{"tenant_id": 7}, {"tenant_id": 9}]}

Every entry of an object must hold. A key is a logical operator (`$and`, `$or`, `$not`) or a path (`streams.paths`); its
value is an object of operators (`streams.operators`), or anything else, which means `$eq`. Times of the event are
compared with ISO-8601 texts.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from streams import paths, timestamps
from streams.operators import OPERATORS, Literal, Test, negated
from streams.paths import Fields

Condition = Callable[[Fields], bool]
"""Says whether the condition holds for an event's fields; never raises."""
Demands = Mapping[str, frozenset[str | int | float]]
"""By path, the values of which a field must have one for a condition to hold."""

MAX_DEPTH: Final = 10
_ROOT: Final = "conditions"
_SCALARS: Final = frozenset({str, int, float})


class ConditionError(ValueError):
    """A condition that does not compile. `where` is the place in the rule, as `conditions.$or[1].amount.$gt`."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def compile_condition(spec: Any) -> Condition:
    """Compile a condition; ConditionError says where it is wrong. An empty one always holds."""
    return _all_of(spec, _ROOT, 0)


def demands(spec: Mapping[str, Any] | None) -> Demands:
    """What a condition that compiles demands for sure: texts and numbers that it compares a field with."""
    found: dict[str, frozenset[str | int | float]] = {}
    for key, value in (spec or {}).items():
        if key == "$and":
            for part in value:
                found.update(demands(part))
        elif not key.startswith("$") and paths.parse(key)[0] not in paths.TIMES:
            operators = value if isinstance(value, Mapping) else {"$eq": value}
            wanted = [operators["$eq"]] if "$eq" in operators else operators.get("$in")
            if wanted is not None and all(type(item) in _SCALARS for item in wanted):
                found[key] = frozenset(wanted)
    return found


def _all_of(spec: Any, where: str, depth: int) -> Condition:
    if not isinstance(spec, Mapping):
        raise ConditionError(where, "must be an object")
    if depth > MAX_DEPTH:
        raise ConditionError(where, f"nested more than {MAX_DEPTH} deep")
    return _every([_entry(key, value, f"{where}.{key}", depth) for key, value in spec.items()])


def _entry(key: Any, value: Any, where: str, depth: int) -> Condition:
    match key:
        case "$and":
            return _every(_alternatives(value, where, depth))
        case "$or":
            return _some(_alternatives(value, where, depth))
        case "$not":
            inner = _all_of(value, where, depth + 1)
            return lambda fields: not inner(fields)
        case str() if not key.startswith("$"):
            return _field(key, value, where)
        case _:
            raise ConditionError(where, "unknown operator; here stand $and, $or, $not or the path of a field")


def _alternatives(specs: Any, where: str, depth: int) -> list[Condition]:
    if not isinstance(specs, list) or not specs:
        raise ConditionError(where, "must be a list of at least one condition")
    return [_all_of(spec, f"{where}[{index}]", depth + 1) for index, spec in enumerate(specs)]


def _every(conditions: list[Condition]) -> Condition:
    match conditions:
        case [only]:
            return only
        case [first, second]:
            return lambda fields: first(fields) and second(fields)
        case _:
            return lambda fields: all(condition(fields) for condition in conditions)


def _some(conditions: list[Condition]) -> Condition:
    return lambda fields: any(condition(fields) for condition in conditions)


def _field(path: str, value: Any, where: str) -> Condition:
    try:
        root = paths.parse(path)[0]
    except ValueError as error:
        raise ConditionError(where, str(error)) from None
    literal = _moment if root in paths.TIMES else _as_it_is
    test = _tests(value if isinstance(value, Mapping) else {"$eq": value}, where, literal)
    return lambda fields: test(fields[path])


def _tests(operators: Mapping[str, Any], where: str, literal: Literal, depth: int = 0) -> Test:
    """The operators of one field, all of which must hold."""
    if not operators or not all(isinstance(name, str) and name.startswith("$") for name in operators):
        raise ConditionError(where, 'must be an object of operators; write {"$eq": ...} to compare with an object')
    if depth > MAX_DEPTH:
        raise ConditionError(where, f"nested more than {MAX_DEPTH} deep")
    tests = [_operator(name, operand, f"{where}.{name}", literal, depth) for name, operand in operators.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _operator(name: str, operand: Any, where: str, literal: Literal, depth: int) -> Test:
    if name == "$not":
        if not isinstance(operand, Mapping):
            raise ConditionError(where, "must be an object of operators")
        return negated(_tests(operand, where, literal, depth + 1))
    build = OPERATORS.get(name)
    if build is None:
        raise ConditionError(where, f"unknown operator; known are {' '.join(OPERATORS)} $not")
    try:
        return build(operand, literal)
    except ValueError as error:
        raise ConditionError(where, str(error)) from None


def _as_it_is(operand: Any) -> Any:
    return operand


def _moment(operand: Any) -> Any:
    """A time of the event is compared with a time; null stays null."""
    return None if operand is None else timestamps.parse(operand)
