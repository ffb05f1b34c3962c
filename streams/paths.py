"""A field of an event by its path: `tenant_id`, `payload.customer.state`, `invoices.0.amount`.

A path begins with a field of the event; any other path is looked up in the payload. A number in it picks from a list.
A field that is absent is null.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from schemas.events import Event

TIMES: Final = frozenset({"occurred_at", "received_at", "expires_at"})
"""The fields that hold a time."""
_FIELDS: Final = frozenset(Event.__struct_fields__) - {"raw", "fingerprint", "schema_version"}
_LONGEST_INDEX: Final = 6


@lru_cache(maxsize=8192)
def parse(path: str) -> tuple[str, ...]:
    """A path's words, the first of which is a field of the event; ValueError where it is none."""
    words = tuple(path.split("."))
    if not all(words):
        raise ValueError("a path is names joined by single dots")
    return words if words[0] in _FIELDS else ("payload", *words)


class Fields(dict[str, Any]):
    """The values of one event by path, each looked up once, however many rules ask for it."""

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        super().__init__()
        self._event = event

    def __missing__(self, path: str) -> Any:
        root, *rest = parse(path)
        value = self[path] = _at(getattr(self._event, root), rest)
        return value


def _at(value: Any, words: Sequence[str]) -> Any:
    for word in words:
        if isinstance(value, dict):
            value = value.get(word)
        elif isinstance(value, list) and word.isdecimal() and len(word) <= _LONGEST_INDEX and int(word) < len(value):
            value = value[int(word)]
        else:
            return None
    return value
