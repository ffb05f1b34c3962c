"""The versions that a rule or template has had: from `config.change`, with who made them from the audit."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

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
    unmatched = await session.fetch(_AUDIT, (subject,))
    versions: list[Version] = []
    former: Entry | None = None
    for at, change in published:
        entry = _entry(change)
        since = versions[-1].at if versions else _BEGINNING
        said = _said(since, at, entry, unmatched)
        if said is not None:
            unmatched.remove(said)
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


def _version(at: datetime, number: int, former: Entry | None, entry: Entry | None, said: Row | None) -> Version:
    fields = [] if former is None or entry is None else _differing(former, entry)
    if said is None:
        return Version(version=number, at=at, entry=entry, fields=fields)
    return Version(
        version=number,
        at=at,
        entry=entry,
        fields=fields,
        by=said["actor"],
        reason=msgspec.json.decode(said["detail"]).get("reason"),
        trace_id=said["trace_id"] or None,
    )


def _said(since: datetime, at: datetime, entry: Entry | None, unmatched: Sequence[Row]) -> Row | None:
    """What the audit says of a version: the last change since the version before it whose content it is."""
    content = None if entry is None else digest(entry)
    for row in unmatched:
        is_of_then = since - _CLOCKS <= row["at"].replace(tzinfo=UTC) <= at + _CLOCKS
        if is_of_then and msgspec.json.decode(row["detail"]).get("content") == content:
            return row
    return None


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


_AUDIT: Final = "SELECT at, actor, trace_id, detail FROM audit_log WHERE subject = %s ORDER BY at DESC"
