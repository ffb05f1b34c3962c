"""Evidence that came before anybody knew whose it is: kept for a while, in case its command gets to know its id."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from schemas.deliveries import AckStatus, Evidence
from schemas.events import Coordinates

MUTE: Final = b"\0mute:"
"""How the names of notes begin that are none of evidence; no channel begins like that."""

_MOST: Final = 10_000

Message = tuple[str | None, str]
"""A message by channel (None: not said) and message key."""


class Notes(Protocol):
    """Where it is noted, so that the next owner has it too."""

    @property
    def notes(self) -> Mapping[bytes, bytes]: ...

    def note(self, name: bytes, value: bytes | None) -> None: ...


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An ack, and where its record lies."""

    evidence: Evidence
    where: Coordinates


class WaitingEvidence:
    """Acks of unknown messages, bounded in number and by `window` seconds of the evidence's own time.

    An ack that comes again takes no more room. What is forgotten is the oldest.
    """

    def __init__(self, notes: Notes, window: float, most: int = _MOST) -> None:
        self._notes = notes
        self._window = timedelta(seconds=window)
        self._most = most
        self._kept: dict[tuple[Message, AckStatus], Kept] = {}
        self._acks: dict[Message, set[AckStatus]] = {}
        noted = [_decode(value) for name, value in notes.notes.items() if not name.startswith(MUTE)]
        for kept in sorted(noted, key=lambda kept: kept.evidence.received_at):
            self._add(kept)

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, evidence: Evidence, where: Coordinates) -> bool:
        """Keep an ack that names a message; say whether it is one that was not kept yet."""
        if evidence.message_key is None or evidence.ack is None:
            return False
        self._forget_before(evidence.received_at - self._window)
        kept = Kept(evidence, where)
        if not self._add(kept):
            return False
        self._notes.note(_name(kept), _encode(kept))
        if len(self._kept) > self._most:
            self._drop(*next(iter(self._kept)))
        return True

    def messages(self) -> list[Message]:
        """The messages of which something is kept."""
        return list(self._acks)

    def claim(self, channel: str, message_key: str) -> Iterator[Kept]:
        """Hand out what was kept of a message, once; acks that name no channel count for any."""
        for message in ((channel, message_key), (None, message_key)):
            for ack in sorted(self._acks.get(message, ())):
                yield self._drop(message, ack)

    def _add(self, kept: Kept) -> bool:
        evidence = kept.evidence
        if evidence.message_key is None or evidence.ack is None:
            return False
        message = (evidence.channel, evidence.message_key)
        if (message, evidence.ack) in self._kept:
            return False
        self._kept[message, evidence.ack] = kept
        self._acks.setdefault(message, set()).add(evidence.ack)
        return True

    def _forget_before(self, oldest: datetime) -> None:
        while self._kept:
            (message, ack), kept = next(iter(self._kept.items()))
            if kept.evidence.received_at >= oldest:
                return
            self._drop(message, ack)

    def _drop(self, message: Message, ack: AckStatus) -> Kept:
        acks = self._acks[message]
        acks.discard(ack)
        if not acks:
            del self._acks[message]
        kept = self._kept.pop((message, ack))
        self._notes.note(_name(kept), None)
        return kept


def _name(kept: Kept) -> bytes:
    evidence = kept.evidence
    return f"{evidence.channel or ''}:{evidence.message_key}:{evidence.ack}".encode()


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Kept).decode
