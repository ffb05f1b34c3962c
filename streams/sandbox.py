"""What a message template may do, and what a missing value does to it.

The authors of templates are operators; the values come from strangers. So a value can neither reach the interpreter
nor make a message that is endless, and a variable without a value never becomes a hole in a text.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, Undefined, UndefinedError, meta, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from streams import formats

MAX_BODY: Final = 20_000
"""Longest template, in characters."""
MAX_TURNS: Final = 10_000
"""How many turns all loops of one message may take together."""
MAX_BUILT: Final = 200_000
"""Longest text that may be put together on the way, in characters: doubled again and again, one fills the memory."""
_LARGEST_FACTOR_BITS: Final = 256
"""Squared again and again, a whole number would soon take hours."""
FAULTS: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a template can raise, while it is compiled or rendered."""

_FILTERS: Final = (
    *("abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "join", "last", "length", "list"),
    *("lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "select", "selectattr"),
    *("sort", "string", "sum", "title", "trim", "truncate", "unique", "upper", "urlencode"),
)
_METHODS: Final = (
    *("capitalize", "endswith", "get", "items", "keys", "lower", "split", "startswith", "strip", "title", "upper"),
    "values",
)
_WRITABLE: Final = (str, int, float, Decimal, date, Undefined)
_TURNS: Final = "~turns"  # no template and no payload can use this name
_COUNTED: Final = "~counted"
_CONCATENATED: Final = "~concatenated"


class MissingVariableError(UndefinedError):
    """A variable without a value was used."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class _Unknown(StrictUndefined):
    """A variable that nothing defines. Any use of it fails, even in an `if`, so that a misspelt name shows."""

    def __init__(self, hint: Any = None, obj: Any = None, name: Any = None, exc: Any = UndefinedError) -> None:
        super().__init__(hint, obj, name, MissingVariableError if exc is UndefinedError and hint is None else exc)

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_hint or self._undefined_name)


class _Empty(_Unknown):
    """A variable that is known and has no value. An `if` takes it for false; any other use fails."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


class _Environment(ImmutableSandboxedEnvironment):
    """Templates may read values, call harmless methods, calculate with numbers, and loop for a bounded time."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self) -> None:
        super().__init__(undefined=_Unknown, finalize=_written, trim_blocks=True, lstrip_blocks=True, autoescape=False)
        self.globals.clear()
        kept = {name: self.filters[name] for name in _FILTERS}
        formatting = {"brl": formats.brl, "date_br": formats.date_br, "first_name": formats.first_name}
        own: dict[str, Callable[..., Any]] = {name: _of_value(write) for name, write in formatting.items()}
        own |= {_COUNTED: _counted, "join": self._join, "replace": _replace, _CONCATENATED: _concatenated}
        self.filters = kept | own

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply numbers only: a text times a number fills the memory, as a text added to itself does."""
        if operator == "+":
            if isinstance(left, str | list) and isinstance(right, str | list):
                _may_build(len(left) + len(right))
            return super().call_binop(context, operator, left, right)
        if operator == "**" or not all(isinstance(value, int | float | Decimal) for value in (left, right)):
            raise SecurityError(f"{operator} is not allowed here")
        if any(isinstance(value, int) and value.bit_length() > _LARGEST_FACTOR_BITS for value in (left, right)):
            raise SecurityError("a number is too large to be multiplied")
        return super().call_binop(context, operator, left, right)

    def _join(self, value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
        items = value if attribute is None else map(make_attrgetter(self, attribute), value)
        return _concatenated(items, str(d))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Let an object's own field win over a method of that name (`payload.items`), and take null for no value."""
        value = obj[attribute] if isinstance(obj, dict) and attribute in obj else super().getattr(obj, attribute)
        return _Empty(obj=obj, name=attribute) if value is None else value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Take null for no value."""
        value = super().getitem(obj, argument)
        return _Empty(obj=obj, name=argument) if value is None else value


def _written(value: Any) -> Any:
    if isinstance(value, _WRITABLE) and not isinstance(value, bool):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be written into a text")


def _may_build(length: int) -> None:
    if length > MAX_BUILT:
        raise SecurityError(f"a text of {length} characters would be put together, at most {MAX_BUILT} are allowed")


def _concatenated(items: Iterable[Any], between: str = "") -> str:
    texts, length = [], 0
    for item in items:
        texts.append(text := str(item))
        length += len(text) + len(between)
        _may_build(length)
    return between.join(texts)


def _replace(text: Any, old: Any, new: Any, count: int = -1) -> str:
    whole, former, later = str(text), str(old), str(new)
    _may_build(len(whole) + whole.count(former) * max(0, len(later) - len(former)))
    return whole.replace(former, later, count)


class _Concatenations(NodeTransformer):
    """Lets a filter of ours put together what stands between `~`."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 (the name that Jinja looks for)
        self.generic_visit(node)
        together = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(together, _CONCATENATED, [], [], None, None, lineno=node.lineno)


def _of_value(function: Callable[[Any], str]) -> Callable[[Any], str]:
    """A filter that fails with the name of a missing variable."""
    return lambda value: function(str(value) if isinstance(value, Undefined) else value)


@pass_context
def _counted(context: Context, iterable: Iterable[Any]) -> Iterator[Any]:
    turns = context[_TURNS]
    for item in iterable:
        if next(turns, None) is None:
            raise SecurityError(f"loops take more than {MAX_TURNS} turns")
        yield item


_environment: Final = _Environment()


@lru_cache(maxsize=4096)
def compiled(body: str) -> Template | str:
    """A template ready for `generate`, or the reason why it is none. Each text is compiled once."""
    if len(body) > MAX_BODY:
        return f"the template is longer than {MAX_BODY} characters"
    try:
        tree = _environment.parse(body)
        for call in tree.find_all(nodes.Call):
            if not isinstance(call.node, nodes.Getattr) or call.node.attr not in _METHODS:
                return f"line {call.lineno}: only these can be called: {', '.join(_METHODS)}"
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        bounded = _Concatenations().visit(tree)
        return Template.from_code(_environment, _environment.compile(bounded), {})
    except TemplateError as error:
        return f"line {getattr(error, 'lineno', 1)}: {error.message}"
    except FAULTS as error:
        return f"does not compile: {error}"


def names(body: str) -> frozenset[str]:
    """The variables that a template which compiles takes from outside."""
    tree = _environment.parse(body)
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}  # also those set in a branch alone
    return frozenset(meta.find_undeclared_variables(tree) - own)


def context(values: dict[str, Any]) -> dict[str, Any]:
    """The variables of one message, as a template sees them: null is no value."""
    known = {name: _Empty(name=name) if value is None else value for name, value in values.items()}
    return known | {_TURNS: iter(range(MAX_TURNS))}
