"""What the router remembers of an idempotency key, and how that lies in its table: small, for there are millions.

Ninety bytes say when, where and as what an event was seen, and what was decided. What few keys have comes behind that,
and at the very end what is needed for a while only: the bytes of the commands, until the record by which they were
decided is committed. From then on they are in Kafka whatever happens, and the entry sheds them.
"""

from struct import Struct
from typing import Any, Final, Self

import msgspec

from schemas.events import Coordinates, Decision, Event, Kind
from streams import keys, topics
from streams.revisions import SHELL

_TOPICS: Final = (topics.RAW_WEBHOOK, topics.RAW_EVENT, topics.COMMAND_MEDIA)
_CODES: Final = {topic: code for code, topic in enumerate(_TOPICS)}
_KINDS: Final = (Kind.ACCEPTED, Kind.REJECTED, Kind.QUARANTINED, Kind.UPDATED, Kind.DUPLICATE, Kind.CONFLICT)
_SMALL: Final = 0xCB  # how MessagePack marks a float: small entries alone have one as their first element
_LADEN: Final = b"\x9d\xcb"  # one of 13 elements
_RECEIVED_AT: Final = Struct(">xxd")


class Update(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A later sighting that told more; `is_routed` where it was the first that could be decided.

    `redrive` is that of the record by which it was decided, if it was redriven.
    """

    raw: Coordinates
    revision: int
    is_routed: bool
    redrive: str | None = None


class Rejection(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sighting that was rejected and corrected since: where it was, what was said of it, and the one before it."""

    topic: str
    partition: int
    offset: int
    decision: Decision | None = None
    before: "Rejection | None" = None

    def is_at(self, place: Coordinates) -> bool:
        """Whether it was there."""
        return (self.topic, self.partition, self.offset) == (place.topic, place.partition, place.offset)


class Seen(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the router remembers of an idempotency key.

    `raw` is where it was first sighted; where that sighting was rejected and this one corrected it, `corrects` is the
    rejected one. `fingerprint` and `revision` are those of the sighting that told most. `kind` is accepted, rejected or
    quarantined. `commands` are the bytes that were emitted, to be emitted again unchanged; none where they are surely
    in Kafka. `received_at` is in seconds since the epoch. `redrive` is that of the record by which it was decided, if
    it was redriven.
    """

    raw: Coordinates
    fingerprint: str
    revision: int
    kind: Kind
    received_at: float
    decision: Decision
    commands: tuple[bytes, ...] = ()
    corrects: Rejection | None = None
    updates: tuple[Update, ...] = ()
    redrive: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the first revision that can be decided is still to come."""
        return self.revision == SHELL or self.kind is Kind.QUARANTINED

    def update(self, event: Event) -> Update | None:
        """The update that an event is another delivery of."""
        for update in self.updates:
            if update.raw == event.raw and update.revision == event.revision:
                return update
        return None

    def rejection(self, event: Event) -> Rejection | None:
        """The rejected sighting that an event is another delivery of, where it was corrected since."""
        found = self.corrects
        while found is not None and not found.is_at(event.raw):
            found = found.before
        return found

    def redrive_of(self, event: Event) -> str | None:
        """By which redrive the sighting was decided that an event is another delivery of."""
        update = self.update(event)
        return update.redrive if update else self.redrive

    def encode(self, offset: int) -> bytes:
        """The table's value; `offset`: of the record in `event.normalized` by which it becomes so."""
        said = self.decision
        short = (
            self.received_at,
            _CODES.get(self.raw.topic, self.raw.topic),
            self.raw.partition,
            self.raw.offset,
            _hex_bytes(self.fingerprint),
            self.revision,
            _KINDS.index(self.kind),
            _Decision(
                said.action,
                said.rule_id,
                said.rule_version,
                said.tenant_id,
                said.channel,
                said.template,
                said.template_version,
                said.command_id and _uuid_bytes(said.command_id),
                said.reason,
            ),
        )
        if self.commands:
            return _encode(_Laden(*short, self.corrects, self.updates, self.redrive, offset, self.commands))
        if self.corrects or self.updates or self.redrive is not None:
            return _encode(_Long(*short, self.corrects, self.updates, self.redrive))
        return _encode(_Short(*short))

    @classmethod
    def decode(cls, entry: bytes) -> Self:
        """Read an entry, also one of the time before entries were small; ValueError where it is none."""
        if not _is_small(entry):
            return _decode_former(entry)  # type: ignore[return-value]
        found = _decode(entry)
        said = found.decision
        return cls(
            raw=Coordinates(
                _TOPICS[found.topic] if isinstance(found.topic, int) else found.topic, found.partition, found.offset
            ),
            fingerprint=_hex_text(found.fingerprint),
            revision=found.revision,
            kind=_KINDS[found.kind],
            received_at=found.received_at,
            decision=Decision(
                action=said.action,
                rule_id=said.rule_id,
                rule_version=said.rule_version,
                template=said.template,
                template_version=said.template_version,
                tenant_id=said.tenant_id,
                channel=said.channel,
                command_id=_uuid_text(said.command_id),
                reason=said.reason,
            ),
            commands=found.commands,
            corrects=found.corrects,
            updates=found.updates,
            redrive=found.redrive,
        )


def received_at(entry: bytes) -> float | None:
    """When an entry's event was received, in seconds since the epoch; None for another row of the table."""
    if _is_small(entry):
        return float(_RECEIVED_AT.unpack_from(entry)[0])
    try:
        return _decode_former(entry).received_at
    except ValueError:
        return None


def needed_until(entry: bytes) -> int | None:
    """The offset of the record until whose commit an entry needs the bytes of its commands; None where it has none."""
    return _decode(entry).offset_of_commands if entry.startswith(_LADEN) else None


def without_commands(entry: bytes) -> bytes:
    """What is left of a laden entry once its commands are surely in Kafka."""
    found = _decode(entry)
    is_short = not (found.corrects or found.updates) and found.redrive is None
    kept = (_Short if is_short else _Long).__struct_fields__
    return _encode(msgspec.structs.astuple(found)[: len(kept)])  # an array, as a struct of these is


class _Decision(msgspec.Struct, array_like=True, frozen=True, gc=False):
    action: str
    rule_id: str | None
    rule_version: int | None
    tenant_id: int | None
    channel: str | None
    template: str | None
    template_version: int | None
    command_id: Any  # bytes, or text that is no UUID
    reason: str | None


class _Short(msgspec.Struct, array_like=True, frozen=True, gc=False):
    received_at: float
    topic: int | str
    partition: int
    offset: int
    fingerprint: Any  # bytes, or text that is no hex
    revision: int
    kind: int
    decision: _Decision


class _Long(_Short, array_like=True, frozen=True, gc=False):
    corrects: Rejection | None = None
    updates: tuple[Update, ...] = ()
    redrive: str | None = None


class _Laden(_Long, array_like=True, frozen=True, gc=False):
    offset_of_commands: int = 0
    commands: tuple[bytes, ...] = ()


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Laden).decode
_decode_former: Final = msgspec.msgpack.Decoder(Seen).decode


def _is_small(entry: bytes) -> bool:
    return len(entry) > 1 and entry[1] == _SMALL


def _hex_bytes(text: str) -> bytes | str:
    """Half the size of hex digits; what is none stays."""
    try:
        packed = bytes.fromhex(text)
    except ValueError:
        return text
    return packed if packed.hex() == text else text


def _hex_text(packed: bytes | str) -> str:
    return packed if isinstance(packed, str) else packed.hex()


def _uuid_bytes(text: str) -> bytes | str:
    try:
        packed = keys.id_bytes(text)
    except ValueError:
        return text
    return packed if keys.id_text(packed) == text else text


def _uuid_text(packed: bytes | str | None) -> str | None:
    return keys.id_text(packed) if isinstance(packed, bytes) else packed
