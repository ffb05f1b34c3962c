"""Conditions of rules: a JSON operator language over an event's fields, compiled once into a closure.

    {"payload.amount": {"$gte": 100}, "source_system": "erp", "$or": [{"tenant_id": 7}, {"tenant_id": 9}]}

Every entry of an object must hold. A key is a logical operator (`$and`, `$or`, `$not`) or a dotted path; its value is
an object of operators, or anything else, which means `$eq`. A path begins with a field of the event (`tenant_id`,
`payload.amount`, `metadata.origin`); any other path is looked up in the payload (`amount`). A number in a path picks
from a list (`invoices.0.amount`). A field that is absent is null. Times of the event are compared with ISO-8601 texts.
Values of different kinds are not equal and have no order: `1` is not `"1"`, and `true` is not `1`.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from schemas.events import Event
from streams import regexes, timestamps

Condition = Callable[[Mapping[str, Any]], bool]
"""Says whether the condition holds for an event's fields (`msgspec.structs.asdict`); never raises."""

_Test = Callable[[Any], bool]
_Literal = Callable[[Any], Any]

MAX_DEPTH: Final = 10
_FIELDS: Final = frozenset(Event.__struct_fields__) - {"raw", "fingerprint", "schema_version"}
_TIMES: Final = frozenset({"occurred_at", "received_at", "expires_at"})
_NUMBERS: Final = frozenset({int, float})


class ConditionError(ValueError):
    """A condition that does not compile. `where` is the path in the condition, such as `$or[1].amount.$gt`."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where or 'conditions'}: {reason}")
        self.where = where
        self.reason = reason


def compile_condition(spec: Any) -> Condition:
    """Compile a condition; ConditionError says where it is wrong. An empty one always holds."""
    return _all_of(spec, "", 0)


def _all_of(spec: Any, where: str, depth: int) -> Condition:
    if not isinstance(spec, Mapping):
        raise ConditionError(where, "must be an object")
    if depth > MAX_DEPTH:
        raise ConditionError(where, f"nested more than {MAX_DEPTH} deep")
    return _every([_entry(key, value, _join(where, str(key)), depth) for key, value in spec.items()])


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
    if len(conditions) == 1:
        return conditions[0]
    return lambda fields: all(condition(fields) for condition in conditions)


def _some(conditions: list[Condition]) -> Condition:
    return lambda fields: any(condition(fields) for condition in conditions)


def _field(path: str, value: Any, where: str) -> Condition:
    segments = path.split(".")
    if not all(segments):
        raise ConditionError(where, "a path is names joined by single dots")
    if segments[0] not in _FIELDS:
        segments.insert(0, "payload")
    literal = _moment if segments[0] in _TIMES else _as_it_is
    test = _tests(value if isinstance(value, Mapping) else {"$eq": value}, where, literal)
    root, *rest = segments
    if not rest:
        return lambda fields: test(fields.get(root))
    return lambda fields: test(_resolve(fields.get(root), rest))


def _resolve(value: Any, segments: list[str]) -> Any:
    for segment in segments:
        if isinstance(value, dict):
            value = value.get(segment)
        elif isinstance(value, list) and segment.isdecimal() and len(segment) < 7 and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return None
    return value


def _tests(operators: Mapping[str, Any], where: str, literal: _Literal, depth: int = 0) -> _Test:
    """The operators of one field, all of which must hold."""
    if not operators or not all(isinstance(name, str) and name.startswith("$") for name in operators):
        raise ConditionError(where, 'must be an object of operators; write {"$eq": ...} to compare with an object')
    if depth > MAX_DEPTH:
        raise ConditionError(where, f"nested more than {MAX_DEPTH} deep")
    tests = [_operator(name, operand, f"{where}.{name}", literal, depth) for name, operand in operators.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _operator(name: str, operand: Any, where: str, literal: _Literal, depth: int) -> _Test:
    if name == "$not":
        if not isinstance(operand, Mapping):
            raise ConditionError(where, "must be an object of operators")
        return _negated(_tests(operand, where, literal, depth + 1))
    build = _OPERATORS.get(name)
    if build is None:
        raise ConditionError(where, f"unknown operator; known are {' '.join(_OPERATORS)} $not")
    try:
        return build(operand, literal)
    except ValueError as error:
        raise ConditionError(where, str(error)) from None


def _equal(operand: Any, literal: _Literal) -> _Test:
    wanted = literal(operand)
    if isinstance(wanted, str):
        return lambda value: bool(value == wanted)
    return lambda value: _same(value, wanted)


def _one_of(operand: Any, literal: _Literal) -> _Test:
    _require(isinstance(operand, list), "must be a list")
    wanted = [literal(item) for item in operand]
    texts = frozenset(item for item in wanted if isinstance(item, str))
    others = [item for item in wanted if not isinstance(item, str)]
    return lambda value: value in texts if isinstance(value, str) else any(_same(value, item) for item in others)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, _Literal], _Test]:
    def build(operand: Any, literal: _Literal) -> _Test:
        bound = literal(operand)
        if type(bound) in _NUMBERS:
            return lambda value: type(value) in _NUMBERS and compare(value, bound)
        if isinstance(bound, str):
            return lambda value: isinstance(value, str) and compare(value, bound)
        if isinstance(bound, datetime):
            return lambda value: isinstance(value, datetime) and compare(value, bound)
        raise ValueError("must be a number or a text")

    return build


def _exists(operand: Any, _: _Literal) -> _Test:
    _require(isinstance(operand, bool), "must be true or false")
    return lambda value: (value is not None) is operand


def _starts_with(operand: Any, _: _Literal) -> _Test:
    _require(isinstance(operand, str), "must be a text")
    return lambda value: isinstance(value, str) and value.startswith(operand)


def _regex(operand: Any, _: _Literal) -> _Test:
    _require(isinstance(operand, str), "must be a text")
    found = regexes.search(operand)
    return lambda value: isinstance(value, str) and found(value)


def _negated(test: _Test) -> _Test:
    return lambda value: not test(value)


_OPERATORS: Final[Mapping[str, Callable[[Any, _Literal], _Test]]] = {
    "$eq": _equal,
    "$ne": lambda operand, literal: _negated(_equal(operand, literal)),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$in": _one_of,
    "$nin": lambda operand, literal: _negated(_one_of(operand, literal)),
    "$exists": _exists,
    "$startsWith": _starts_with,
    "$regex": _regex,
}


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


def _as_it_is(operand: Any) -> Any:
    return operand


def _moment(operand: Any) -> Any:
    """A time of the event is compared with a time; null stays null."""
    return None if operand is None else timestamps.parse(operand)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
