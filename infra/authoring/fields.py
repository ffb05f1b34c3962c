"""The fields of a rule as the command line gives them: `priority=5`, `conditions='{"payload.amount": {"$gt": 5}}'`."""

import json
from collections.abc import Iterable
from typing import Any, Final

from infra.errors import InvalidError

_JSON: Final = frozenset({"conditions", "is_enabled", "metadata", "pace", "priority", "send_window", "ttl_seconds"})
"""The fields whose values are no texts."""


def parsed(given: Iterable[str]) -> dict[str, Any]:
    """The fields by name; a text that is empty is none. InvalidError where one cannot be read."""
    fields: dict[str, Any] = {}
    for one in given:
        name, found, value = one.partition("=")
        if not found:
            raise InvalidError(f"{one!r} must be FIELD=VALUE, as priority=5.")
        try:
            fields[name] = json.loads(value or "null") if name in _JSON else value or None
        except ValueError as error:
            raise InvalidError(f"{name} must be JSON, as a number, true, or an object in quotes: {error}.") from None
    return fields
