"""What the owner of a partition knows: the fold of its log, with the open commands at hand and the rest in a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Protocol

import msgspec

from schemas.deliveries import DeliveryFact
from streams import keys
from streams.deliveries import CLOSED, Delivery, apply
from streams.identity import message_key
from streams.sending import ledger
from streams.sending.contents import Content, Contents
from streams.sending.ledger import Ledger
from streams.sending.open_commands import OpenCommands
from streams.sending.schedule import Schedule
from streams.sending.turns import may_send
from streams.sending.unseen import unseen

CommandKey = bytes
"""A command id in its 16-byte form."""

_OPEN: Final = b"o"
_CLOSED: Final = b"c"
_POSITION: Final = b"position"
_PROVIDER: Final = b"provider:"
_CONTENT: Final = b"content:"
_NOTE: Final = b"note:"

_MOST_CONTENTS: Final = 10_000  # of closed commands, besides those of open ones


class Table(Protocol):
    """A keyed table that survives its owner; `write` returns once its changelog is acknowledged."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...

    def items(self, partition: int) -> Iterable[tuple[bytes, bytes]]: ...

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None: ...


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One command in the snapshot; `first_offset` is where its facts begin in the log."""

    first_offset: int
    delivery: Delivery


def command_key(command_id: str) -> CommandKey:
    """The 16-byte form of a command id; ValueError where it is no UUID."""
    return keys.id_bytes(command_id)


def binding(fact: DeliveryFact) -> bytes | None:
    """The key under which a fact makes its message known, by channel and the stable part of its id; None for none."""
    key = message_key(fact.provider_message_id)
    return provider_key(fact.channel, key) if key else None


def provider_key(channel: str, message: str) -> bytes:
    """The key of a provider's message: canonical channel and message key."""
    return _PROVIDER + f"{channel}:{message}".encode()


class Book:
    """All that is acknowledged in the log of one partition, and nothing else.

    The table is its snapshot: it may lag behind, and says up to which offset of the log it is complete. Kept there:
    commands by key (open ones whole, closed ones without their text), messages by provider key, what closed commands
    said whose echo may still come, notes of what waits, what was sent when as far as a pace asks (`ledger`), and the
    position.
    """

    def __init__(self, partition: int, table: Table, is_paced: Callable[[str], bool] = lambda _: False) -> None:
        """`is_paced` says of a channel whether its sends are to be counted."""
        self.partition = partition
        self.ledger = Ledger(is_paced)
        self.position = 0
        self.channels: set[str] = set()
        self.notes: dict[bytes, bytes] = {}
        self.contents = Contents()
        self.states = OpenCommands()
        self._table = table
        self._open: dict[CommandKey, Entry] = {}
        self._closed_unseen: dict[CommandKey, None] = {}
        self._unsaved: dict[bytes, Entry | bytes | None] = {}
        self._saving: dict[bytes, Entry | bytes | None] = {}
        for key, value in table.items(partition):
            self._restore(key, value)

    def _restore(self, key: bytes, value: bytes) -> None:
        if key == _POSITION:
            self.position = int(value)
        elif key.startswith(_PROVIDER):
            self.channels.add(key.removeprefix(_PROVIDER).rpartition(b":")[0].decode())
        elif key.startswith(_NOTE):
            self.notes[key.removeprefix(_NOTE)] = value
        elif key.startswith(_CONTENT):
            closed = key.removeprefix(_CONTENT)
            self.contents.put(closed, msgspec.msgpack.decode(value, type=Content))
            self._closed_unseen[closed] = None
        elif key.startswith(ledger.PREFIX):
            self.ledger.restore(key, value)
        elif value.startswith(_OPEN):
            entry = self._open[key] = _decode(value)
            self.states.put(key, entry.delivery.status)
            if entry.delivery.command:
                self.contents.put(key, Content.of(entry.delivery.command))

    def get(self, key: CommandKey) -> Delivery | None:
        """What is known of a command, open or closed."""
        entry = self._entry(key)
        return entry.delivery if entry else None

    def first_offset(self, key: CommandKey) -> int | None:
        """Where the facts of a command begin in the log, of one whose text was let go; else None."""
        entry = self._entry(key)
        return entry.first_offset if entry and entry.delivery.command is None else None

    def open_commands(self) -> Iterator[tuple[CommandKey, Delivery]]:
        """The commands that are not closed, in the order in which they were taken."""
        for key, entry in sorted(self._open.items(), key=lambda item: item[1].first_offset):
            yield key, entry.delivery

    def bound(self, provider: bytes) -> CommandKey | None:
        """The command that a provider's message was sent for."""
        found = self._unsaved.get(provider) or self._saving.get(provider) or self._table.get(self.partition, provider)
        return found if isinstance(found, bytes) else None

    def replay_from(self, now: datetime, schedule: Schedule) -> int:
        """Where a new owner reads the log from: the snapshot's end, or the first fact of what may still be sent.

        The table alone never authorises a send: what its own log says of such a command is read again.
        """
        sendable = (entry.first_offset for entry in self._open.values() if may_send(entry.delivery, now, schedule))
        return min(self.position, min(sendable, default=self.position))

    def learn(self, offset: int, fact: DeliveryFact) -> None:
        """Add a fact that the log holds at this offset; adding it again changes nothing."""
        self.position = max(self.position, offset + 1)
        key = command_key(fact.command_id)
        known = self._entry(key)
        before = known.delivery if known else None
        self.ledger.learn(offset, fact, before)
        delivery = apply(before, fact)
        status = delivery.status
        is_closed = status in CLOSED
        self.states.put(key, status)
        if delivery.command and key not in self.contents:
            self.contents.put(key, Content.of(delivery.command))
        is_first = known is None or (fact.command is not None and known.delivery.command is None)
        entry = Entry(
            offset if is_first or known is None else min(known.first_offset, offset),
            delivery.without_command() if is_closed else delivery,
        )
        if entry != known:
            self._unsaved[key] = entry
        if is_closed:
            self._open.pop(key, None)
        else:
            self._open[key] = entry
        self._keep_content(key, delivery if is_closed else None)
        provider = binding(fact)
        if provider and self.bound(provider) is None:
            self._unsaved[provider] = key
            self.channels.add(fact.channel)

    def note(self, name: bytes, value: bytes | None) -> None:
        """Keep something that is not in the log (None: no longer); it lasts from the next `save` on."""
        if value is None:
            self.notes.pop(name, None)
        else:
            self.notes[name] = value
        self._unsaved[_NOTE + name] = value

    def forget_contents(self, before: datetime) -> None:
        """Forget what closed commands said whose attempts had all ended before a moment."""
        while self._closed_unseen:
            key = next(iter(self._closed_unseen))
            delivery = self.get(key)
            if delivery and any((attempt.ended or attempt.began) >= before for attempt in unseen(delivery)):
                return
            self._forget_content(key)

    async def save(self) -> None:
        """Bring the table up to date with what was learned until now."""
        if not self._unsaved:
            return
        self._saving, self._unsaved = self._unsaved, {}
        changes = {key: _encode(value) if isinstance(value, Entry) else value for key, value in self._saving.items()}
        changes |= self.ledger.changes()
        await self._table.write(self.partition, {**changes, _POSITION: str(self.position).encode()})
        self._saving = {}

    def _keep_content(self, key: CommandKey, closed: Delivery | None) -> None:
        """Keep what a closed command said for as long as its echo may come; that of an open one is in its entry."""
        if closed and any(unseen(closed)):
            content = self.contents.get(key)
            if content and key not in self._closed_unseen:
                self._closed_unseen[key] = None
                self._unsaved[_CONTENT + key] = msgspec.msgpack.encode(content)
            if len(self._closed_unseen) > _MOST_CONTENTS:
                self._forget_content(next(iter(self._closed_unseen)))
        elif closed:
            self._forget_content(key)
        elif key in self._closed_unseen:  # it was reopened
            del self._closed_unseen[key]
            self._unsaved[_CONTENT + key] = None

    def _forget_content(self, key: CommandKey) -> None:
        self.contents.drop(key)
        if key in self._closed_unseen:
            del self._closed_unseen[key]
            self._unsaved[_CONTENT + key] = None

    def _entry(self, key: CommandKey) -> Entry | None:
        for entries in (self._open, self._unsaved, self._saving):
            entry = entries.get(key)
            if isinstance(entry, Entry):
                return entry
        value = self._table.get(self.partition, key)
        return _decode(value) if value else None


_entry_decoder: Final = msgspec.msgpack.Decoder(Entry)


def _encode(entry: Entry) -> bytes:
    return (_CLOSED if entry.delivery.is_closed else _OPEN) + msgspec.msgpack.encode(entry)


def _decode(value: bytes) -> Entry:
    return _entry_decoder.decode(value[1:])
