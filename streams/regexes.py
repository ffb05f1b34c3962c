"""Regular expressions that are cheap enough to run on every event.

Python's engine backtracks and cannot be interrupted, and the text it searches comes from strangers. So an expression
is refused while it is compiled where the number of ways to try it, on the longest text it may see, is too large.
"""

import importlib
import re
import warnings
from collections.abc import Callable, Iterable
from math import inf, prod
from typing import Any, Final

MAX_PATTERN: Final = 200
"""Longest expression, in characters."""
MAX_SUBJECT: Final = 500
"""How many characters of a text are searched, from its start."""
_MAX_WAYS: Final = 10_000_000
"""About 50 ms in the worst case."""

_parser: Any = importlib.import_module("re._parser")  # the tree that `re` itself compiles from; it has no public name


class RegexError(ValueError):
    """An expression that does not compile, or could take too long."""


def search(pattern: str) -> Callable[[str], bool]:
    """A function that says whether `pattern` occurs in the first `MAX_SUBJECT` characters of a text."""
    if len(pattern) > MAX_PATTERN:
        raise RegexError(f"longer than {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings(action="error"):  # what a later Python would read in another way is refused
            tree = _parser.parse(pattern)
            compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise RegexError(f"not a regular expression: {error}") from None
    anchored = not compiled.flags & re.MULTILINE and _starts_at_beginning(tree)
    if (1 if anchored else MAX_SUBJECT) * _ways(tree) > _MAX_WAYS:
        raise RegexError("could take too long: avoid nested and repeated *, + and ?, or split it over an $and")
    find = compiled.search
    return lambda subject: find(subject, 0, MAX_SUBJECT) is not None


def _starts_at_beginning(items: Iterable[Any]) -> bool:
    for operator, argument in items:
        return str(operator) == "AT" and str(argument) in {"AT_BEGINNING", "AT_BEGINNING_STRING"}
    return False


def _ways(items: Iterable[Any]) -> float:
    """Upper bound of the ways in which the engine can try a sequence at one place; infinite where it may explode."""
    return prod(_item_ways(str(operator), argument) for operator, argument in items)


def _item_ways(operator: str, argument: Any) -> float:
    match operator:
        case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN" | "AT":
            return 1
        case "SUBPATTERN":
            return _ways(argument[3])
        case "ATOMIC_GROUP":
            return _ways(argument)
        case "ASSERT" | "ASSERT_NOT":
            return _ways(argument[1])
        case "BRANCH":
            return sum(_ways(alternative) for alternative in argument[1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _repeat_ways(*argument)
        case _:  # back references and what a later Python may bring
            return inf


def _repeat_ways(least: int, most: int, items: Iterable[Any]) -> float:
    inner = _ways(items)
    choices = min(most, MAX_SUBJECT) - least + 1
    if inner == 1:
        return max(choices, 1)
    if choices > 1 or least > MAX_SUBJECT:
        return inf  # a repetition of something that itself can match in several ways
    return inner**least
