"""How each authored entry stands: in force as it is written, or why not."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from schemas.configuration import Rule, Target, Template
from streams.configuration import Entry, Key, Published
from streams.publication import Authored, plan
from streams.soundness import fault_of


class State(StrEnum):
    """Where an entry is between the hand of its author and the workers."""

    IN_FORCE = "in force"
    DISABLED = "disabled"
    PENDING = "pending"
    """It is about to be published, or to be deleted."""
    REFUSED = "refused"
    """It makes no sense, and was never in force."""
    OUTDATED = "outdated"
    """Its row makes no sense, or is gone too early: the version before stays in force."""
    BROKEN = "broken"
    """What is in force does not work."""


class Standing(msgspec.Struct, frozen=True):
    """An entry's state. `entry` is what is in force, else what is authored; without one its row makes no sense."""

    id: str
    state: State
    entry: Entry | None
    reason: str | None = None


def standings(topic: str, published: Published, authored: Authored | None = None) -> list[Standing]:
    """The entries of one topic by their ids; without what is authored, only what is in force."""
    return list(_standings(topic, published, authored or Authored(published.entries)))


def _standings(topic: str, published: Published, authored: Authored) -> Iterator[Standing]:
    todo = plan(authored, published)
    pending = {publication.key for publication in todo.publications}
    keys = published.entries.keys() | authored.entries.keys() | todo.faults.keys()
    for key in sorted(key for key in keys if key.topic == topic):
        present = published.entries.get(key)
        yield _standing(key, present, authored.entries.get(key), todo.faults.get(key), is_pending=key in pending)


def _standing(
    key: Key, present: Entry | None, written: Entry | None, refusal: str | None, *, is_pending: bool
) -> Standing:
    entry = present or written
    if refusal is not None:
        return Standing(key.id, State.OUTDATED if present else State.REFUSED, entry, refusal)
    if is_pending:
        return Standing(key.id, State.PENDING, entry)
    if isinstance(entry, Rule | Template | Target) and not entry.is_enabled:
        return Standing(key.id, State.DISABLED, entry)
    if entry is not None and (reason := fault_of(entry)):
        return Standing(key.id, State.BROKEN, entry, reason)
    return Standing(key.id, State.IN_FORCE, entry)
