"""What must be published so that `config.*` says what was authored."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from schemas.configuration import Change, Sentinel
from streams.configuration import ENTRIES, Entry, Key, Published, counted
from streams.references import still_named, without_template
from streams.topics import CONFIG_TEMPLATE

_SEVERAL: Final = 2


@dataclass(frozen=True)
class Authored:
    """The configuration as people wrote it, without versions. `faults` has the rows that make no sense, and why."""

    entries: Mapping[Key, Entry] = field(default_factory=dict)
    faults: Mapping[Key, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Publication:
    """One version of an entry to be published; `entry` None deletes it."""

    key: Key
    version: int
    entry: Entry | None

    @property
    def value(self) -> bytes | None:
        """The record's value in the entry's topic."""
        return None if self.entry is None else msgspec.json.encode(self.entry)

    @property
    def change(self) -> bytes:
        """The record's value in `config.change`."""
        value = None if self.entry is None else msgspec.to_builtins(self.entry)
        return msgspec.json.encode(Change(topic=self.key.topic, id=self.key.id, version=self.version, value=value))


@dataclass(frozen=True)
class Plan:
    """What to publish, in this order, and the sentinel after it, where it is due.

    `faults` has what is not published, and why: rows that make no sense by themselves or together, and templates that
    were deleted too early. `vanished` says which tables lost everything; then nothing is published.
    """

    publications: tuple[Publication, ...] = ()
    sentinel: Sentinel | None = None
    faults: Mapping[Key, str] = field(default_factory=dict)
    vanished: tuple[str, ...] = ()


def plan(authored: Authored, published: Published, *, force: bool = False) -> Plan:
    """Compare contents, not versions. A new version is one more than the highest that its key ever had.

    New and changed entries go first (channels, templates, rules), then deletions the other way round, so that nothing
    names what is not there. A table that lost all of several entries looks like a restore or a wrong DSN, not like
    somebody's wish: nothing is published unless `force` says that it is meant. A row that makes no sense leaves what
    is published as it is; so does a rule whose template is not there, and a template stays that a rule in force names.
    The sentinel follows the first complete publication that has a rule.
    """
    vanished = () if force else tuple(_vanished(authored, published))
    if vanished:
        return Plan(faults=authored.faults, vanished=vanished)
    refused = without_template(authored.entries, _kept(authored.faults, published))
    entries = {key: entry for key, entry in authored.entries.items() if key not in refused}
    known = published.entries.keys() | published.faults.keys()
    deleted = known - authored.entries.keys() - authored.faults.keys()
    in_force = [*entries.values(), *_kept(authored.faults, published), *_kept(refused, published)]
    held = still_named((key for key in deleted if key.topic == CONFIG_TEMPLATE), in_force)
    order = {topic: place for place, topic in enumerate(ENTRIES)}
    changed = [key for key, entry in entries.items() if _differs(entry, key, published)]
    publications = [
        *(_next(key, entries[key], published) for key in sorted(changed, key=lambda key: order[key.topic])),
        *(
            _next(key, None, published)
            for key in sorted(deleted - held.keys(), key=lambda key: (-order[key.topic], key.id))
        ),
    ]
    sentinel = None if published.is_complete else _sentinel(entries)
    return Plan(tuple(publications), sentinel, {**authored.faults, **refused, **held})


def _kept(faults: Iterable[Key], published: Published) -> list[Entry]:
    """What stays in force of rows that are not published."""
    return [published.entries[key] for key in faults if key in published.entries]


def _next(key: Key, entry: Entry | None, published: Published) -> Publication:
    version = published.versions.get(key, 0) + 1
    return Publication(key, version, None if entry is None else msgspec.structs.replace(entry, version=version))


def _differs(entry: Entry, key: Key, published: Published) -> bool:
    present = published.entries.get(key)
    return present is None or key in published.faults or _content(entry) != _content(present)


def digest(entry: Entry) -> str:
    """A hash of what an entry says, whatever its version: 32 hex digits."""
    return hashlib.sha256(_content(entry)).hexdigest()[:32]


def _content(entry: Entry) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(entry, version=0), order="deterministic")


def _vanished(authored: Authored, published: Published) -> Iterator[str]:
    remaining = authored.entries.keys() | authored.faults.keys()
    if not remaining and len(published.entries) >= _SEVERAL:
        yield "everything"
        return
    for topic in ENTRIES:
        present = {key for key in published.entries if key.topic == topic}
        if len(present) >= _SEVERAL and not present & remaining:
            yield topic


def _sentinel(entries: Mapping[Key, Entry]) -> Sentinel | None:
    counts = counted(entries)
    return counts if counts.rules else None
