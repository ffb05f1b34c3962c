"""What is to become of a row: an entry made of what is there now, and of what somebody wants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.mysql.authored import publishable
from adapters.mysql.authoring import Written
from infra.errors import ConflictError, InvalidError, UnknownError
from streams import topics
from streams.configuration import ENTRIES, Entry, Key
from streams.soundness import rule_of, target_of, template_of

KINDS: Final = {topics.CONFIG_RULE: "rule", topics.CONFIG_TEMPLATE: "template", topics.CONFIG_TARGET: "target"}
"""What people call an entry of a topic."""


@dataclass(frozen=True)
class Edit:
    """A change of one row. `make` gets what is there, and gives what is to be there; None deletes it."""

    key: Key
    make: Callable[[Written | None], Entry | None]


def creation(key: Key, fields: Mapping[str, Any]) -> Edit:
    """Make a new entry of these fields; ConflictError where there is one already."""

    def make(written: Written | None) -> Entry:
        if written is not None:
            raise ConflictError(f"There is a {KINDS[key.topic]} {key.id!r} already.")
        return _entry(key, fields)

    return Edit(key, make)


def alteration(key: Key, fields: Mapping[str, Any]) -> Edit:
    """Change these fields of an entry, and leave the others as they are; UnknownError where there is none."""
    return Edit(key, lambda written: _entry(key, {**known(key, written).fields, **fields}))


def replacement(key: Key, entry: Entry) -> Edit:
    """Write a whole entry, whether or not there is one."""
    return Edit(key, lambda _: entry)


def deletion(key: Key) -> Edit:
    """Delete an entry; UnknownError where there is none."""

    def make(written: Written | None) -> None:
        known(key, written)

    return Edit(key, make)


def known(key: Key, written: Written | None) -> Written:
    """The row; UnknownError where there is none."""
    if written is None:
        raise UnknownError(f"There is no {KINDS[key.topic]} {key.id!r}.")
    return written


def _entry(key: Key, fields: Mapping[str, Any]) -> Entry:
    try:
        return publishable(_made(key, {**fields, "id": key.id}))
    except ValueError as error:
        place = str(error).partition(":")[0]
        is_place = place.partition(".")[0] in _kind(key).__struct_fields__
        message = f"This {KINDS[key.topic]} makes no sense: {error}."
        raise InvalidError(message, f"body.{place}" if is_place else None) from None


def _made(key: Key, fields: dict[str, Any]) -> Entry:
    known_fields = _kind(key).__struct_fields__
    for name in fields:
        if name not in known_fields or name == "version":
            names = ", ".join(field for field in known_fields if field not in {"id", "version"})
            raise ValueError(f"{name}: no such field; there are {names}")
    return _MAKERS[key.topic](fields)


def _kind(key: Key) -> type[Entry]:
    return ENTRIES[key.topic]


_MAKERS: Final[Mapping[str, Callable[[dict[str, Any]], Entry]]] = {
    topics.CONFIG_RULE: rule_of,
    topics.CONFIG_TEMPLATE: template_of,
    topics.CONFIG_TARGET: target_of,
}
