"""How a value of a field is read: a contact id, a name, a text, a word, a time; None where it is none of these."""

from collections.abc import Sized
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from streams import identity, timestamps
from streams.normalization import embedded
from streams.normalization.errors import NormalizationError

MAX_ITEMS: Final = 1_000
"""Messages or statuses of one body: Meta sends that many at most."""
NOTHING: Final[dict[str, Any]] = {}
_LONGEST_CHANNEL: Final = 100
_LONGEST_NAME: Final = 200
_SUSPICIOUS: Final = 40
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


def contact_id(value: Any) -> str | None:
    """A contact id as it is spelled: text, a number, or an object with `_serialized`; None where it names no one."""
    if isinstance(value, dict):
        value = value.get("_serialized") or value.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    try:
        return identity.contact(value).id
    except ValueError:
        return None


def name(value: Any) -> str | None:
    """A short text on one line; None where there is none, or where it is encoded bytes."""
    if not isinstance(value, str) or (len(value) >= _SUSPICIOUS and embedded.is_bytes(value, in_media=True)):
        return None
    return " ".join(value[: 2 * _LONGEST_NAME].split())[:_LONGEST_NAME] or None


def text(value: Any) -> str | None:
    """A text that says something; None for anything else."""
    return value if isinstance(value, str) and value and not value.isspace() else None


def word(value: Any) -> str | None:
    """A word of a vocabulary, case-folded."""
    return _folded(value) if isinstance(value, str) and len(value) <= _LONGEST_NAME and value else None


@lru_cache(maxsize=1024)
def _folded(value: str) -> str:
    return value.strip().casefold()


def object_in(holder: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under a key; an empty one where there is none."""
    value = holder.get(key)
    return value if isinstance(value, dict) else NOTHING


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; none where it is no array. NormalizationError where there are more than are read."""
    if not isinstance(value, list):
        return []
    require_few(value)
    return [item for item in value if isinstance(item, dict)]


def require_few(items: Sized) -> None:
    """Refuse more things in one body than a worker has room for: of three bytes an event of half a kilobyte is made."""
    if len(items) > MAX_ITEMS:
        raise NormalizationError("too_many", f"the body holds more than {MAX_ITEMS} things in an array")


def channel(value: Any) -> str | None:
    """A channel id as it is spelled: text or a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _LONGEST_CHANNEL or not value.isprintable():
        return None
    canonical = identity.canonical_channel(value)
    return value.strip() if canonical and len(canonical) <= _LONGEST_CHANNEL else None


def time(value: Any) -> datetime | None:
    """A time that can be meant."""
    try:
        return timestamps.parse(value)
    except ValueError:
        return None


def flag(value: Any) -> bool | None:
    """Yes or no, also as a word or a digit."""
    if isinstance(value, str):
        return _FLAGS.get(value.casefold()) if len(value) <= 5 else None
    return bool(value) if isinstance(value, int) and value in (0, 1) else None
