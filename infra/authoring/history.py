"""The versions that a rule or template has had: from `config.change`, with who made them from the audit."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters.mysql.pool import Row, Session
from infra.authoring.edits import KINDS
from infra.errors import ConflictError, UnknownError
from infra.kafka import connection
from infra.settings import Settings
from schemas.configuration import Change
from streams import topics
from streams.configuration import ENTRIES, Entry, Key
from streams.consumers import stopped
from streams.publication import digest

_WAIT_MS: Final = 500
_BEGINNING: Final = datetime.fromtimestamp(0, UTC)
_CLOCKS: Final = timedelta(seconds=5)
"""By so much the clock of who made a change may be ahead of Kafka's."""
_MOST_SAID: Final = 5_000
"""So many of the newest changes on record are looked at: of older versions it is not told who made them."""


class Version(msgspec.Struct, kw_only=True, frozen=True):
    """One published version. `by` is who made it by API or CLI; None for plain SQL, and before there was an audit.

    `entry` None says that this version deleted it. `fields` are in what it differs from the version before.
    """

    version: int
    at: datetime
    entry: Entry | None
    fields: Sequence[str] = ()
    by: str | None = None
    reason: str | None = None
    trace_id: str | None = None


async def history(settings: Settings, session: Session, key: Key) -> list[Version]:
    """All versions that are remembered, the newest first; UnknownError where there never was one. Raises KafkaError."""
    published = await _published(settings, key)
    if not published:
        raise UnknownError(f"No version of {KINDS[key.topic]} {key.id!r} was ever published, or none is remembered.")
    subject = f"{KINDS[key.topic]}:{key.id}"
    return told(published, await session.fetch(_AUDIT, (subject, _MOST_SAID)))


def told(published: Iterable[tuple[datetime, Change]], audit: Iterable[Row]) -> list[Version]:
    """The versions of what was published, the oldest first, with what the audit says of them, the newest first."""
    unmatched = _Unmatched(audit)
    versions: list[Version] = []
    former: Entry | None = None
    for at, change in published:
        entry = _entry(change)
        since = versions[-1].at if versions else _BEGINNING
        said = unmatched.taken(since, at, None if entry is None else digest(entry))
        versions.append(_version(at, change.version, former, entry, said))
        former = entry
    return versions[::-1]


def restorable(versions: Iterable[Version], number: int) -> Entry:
    """The entry of a version; UnknownError where none is remembered, ConflictError where it was a deletion."""
    found = next((version for version in versions if version.version == number), None)
    if found is None:
        raise UnknownError(f"Version {number} is not remembered: versions are kept for a year.")
    if found.entry is None:
        raise ConflictError(f"Version {number} was the deletion: restore one before it.")
    return msgspec.structs.replace(found.entry, version=0)


def _version(at: datetime, number: int, former: Entry | None, entry: Entry | None, said: "_Said | None") -> Version:
    fields = [] if former is None or entry is None else _differing(former, entry)
    if said is None:
        return Version(version=number, at=at, entry=entry, fields=fields)
    return Version(
        version=number,
        at=at,
        entry=entry,
        fields=fields,
        by=said.by,
        reason=said.reason,
        trace_id=said.trace_id,
    )


class _Said(NamedTuple):
    """What the audit says of one change."""

    at: datetime
    by: str
    reason: str | None
    trace_id: str | None


class _Unmatched:
    """What the audit says, by content, as long as no version has taken it."""

    def __init__(self, audit: Iterable[Row]) -> None:
        """The rows come the newest first."""
        self._by_content: dict[str | None, list[_Said]] = defaultdict(list)
        for row in audit:
            detail = msgspec.json.decode(row["detail"])
            said = _Said(row["at"].replace(tzinfo=UTC), row["actor"], detail.get("reason"), row["trace_id"] or None)
            self._by_content[detail.get("content")].append(said)
        for changes in self._by_content.values():
            changes.reverse()

    def taken(self, since: datetime, at: datetime, content: str | None) -> _Said | None:
        """What is said of a version: the last change since the version before it whose content it is."""
        changes = self._by_content.get(content, [])
        place = bisect_right(changes, at + _CLOCKS, key=_when) - 1
        return changes.pop(place) if place >= 0 and changes[place].at >= since - _CLOCKS else None


def _when(said: _Said) -> datetime:
    return said.at


def _differing(former: Entry, entry: Entry) -> list[str]:
    names = (name for name in entry.__struct_fields__ if name != "version")
    return [name for name in names if getattr(former, name) != getattr(entry, name)]


async def _published(settings: Settings, key: Key) -> list[tuple[datetime, Change]]:
    """The versions of an entry as they lie in the log, the oldest first."""
    place = TopicPartition(topics.CONFIG_CHANGE, 0)
    consumer = AIOKafkaConsumer(
        **connection(settings), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    found: list[tuple[datetime, Change]] = []
    try:
        await consumer.start()
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=_WAIT_MS)).get(place, ()):
                change = _change(record.value) if record.key == key.id.encode() else None
                if change is not None and change.topic == key.topic:
                    found.append((datetime.fromtimestamp(record.timestamp / 1000, UTC), change))
    finally:
        await stopped(consumer)
    return found


def _change(value: bytes | None) -> Change | None:
    try:
        return msgspec.json.decode(value or b"", type=Change)
    except ValueError:
        return None  # a stranger's record is no version


def _entry(change: Change) -> Entry | None:
    """The entry of a version; None where it was deleted, or cannot be read any more."""
    if change.value is None:
        return None
    try:
        return msgspec.convert(change.value, ENTRIES[change.topic])
    except msgspec.ValidationError:
        return None


_AUDIT: Final = (
    "SELECT at, actor, trace_id, detail FROM audit_log WHERE subject = %s ORDER BY at DESC, id DESC LIMIT %s"
)
