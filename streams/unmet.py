"""Why a condition does not hold: the parts of it that are false, with what they want and what they found."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from streams.conditions import compile_condition
from streams.paths import Fields


class Unmet(msgspec.Struct, frozen=True):
    """A part of a condition that is false, at a place such as `conditions.payload.amount.$gt`.

    `found` is the field's value; for a logical operator, whether what it holds is true.
    """

    place: str
    wanted: Any
    found: Any


def unmet(spec: Mapping[str, Any], fields: Fields) -> tuple[Unmet, ...]:
    """The false parts of a condition that compiles, in its order; none where it holds."""
    return tuple(_all_of(spec, "conditions", fields))


def _all_of(spec: Mapping[str, Any], where: str, fields: Fields) -> Iterator[Unmet]:
    for key, value in spec.items():
        if not compile_condition({key: value})(fields):
            yield from _entry(key, value, f"{where}.{key}", fields)


def _entry(key: str, value: Any, where: str, fields: Fields) -> Iterator[Unmet]:
    """The false parts of one entry that is false."""
    match key:
        case "$and" | "$or":  # of an $or that is false, all parts are
            for index, part in enumerate(value):
                yield from _all_of(part, f"{where}[{index}]", fields)
        case "$not":
            yield Unmet(where, value, True)
        case _:
            operators = value if isinstance(value, Mapping) else {"$eq": value}
            for name, operand in operators.items():
                if not compile_condition({key: {name: operand}})(fields):
                    yield Unmet(f"{where}.{name}", operand, fields[key])
