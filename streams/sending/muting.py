"""Which conversations of a partition people have the word in: where human messages and answers of an AI meet."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from schemas.chat import AuthorKind
from schemas.commands import Command
from schemas.deliveries import Evidence, EvidenceKind
from schemas.mutes import Mute, MuteCause
from streams.identity import conversation_id
from streams.mutes import Mutes
from streams.sending.waiting_evidence import MUTE, Notes

Tell = Callable[[Mute], None]

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Mute).decode


class Muting:
    """Learns from commands of people, from what was typed on the phone and from hand-overs. A mute lasts for `span`.

    What is learned is noted for the next owner, and told to whoever asks an AI.
    """

    def __init__(self, notes: Notes, span: timedelta, tell: Tell) -> None:
        self._notes = notes
        self._span = span
        self._tell = tell
        self._mutes = Mutes()
        noted = [_decode(value) for name, value in notes.notes.items() if name.startswith(MUTE)]
        for mute in sorted(noted, key=lambda mute: mute.since):
            self._mutes.hear(mute)

    def taken(self, command: Command, now: datetime) -> bool:
        """A command came in; whether that is news: somebody replied."""
        if command.authorship is None or command.authorship.author_kind is not AuthorKind.HUMAN:
            return False
        return self._heard(MuteCause.HUMAN, names_of(command), command.created_at, command.created_at, now)

    def shown(self, evidence: Evidence, now: datetime) -> bool:
        """A message was shown that no command sent, or a conversation was handed over; whether that is news.

        What a phone tells of long ago, as after it was linked again, mutes no longer than it would have then.
        """
        cause = MuteCause.HANDOFF if evidence.kind is EvidenceKind.HANDOFF else MuteCause.HUMAN
        contacts = {evidence.contact, evidence.detail.get("same_contact")}
        names = {conversation_id(evidence.channel, contact) for contact in contacts if contact}
        names.add(evidence.detail.get("conversation_id"))
        said_at = min(evidence.at, evidence.received_at)
        event_id = evidence.event_id if cause is MuteCause.HANDOFF else None
        return self._heard(cause, names, evidence.received_at, said_at, now, event_id)

    def reason(self, command: Command, now: datetime) -> str | None:
        """Why a command must not be sent: it is an AI's, and people have the word; None where it may."""
        by = command.authorship
        if by is None or by.author_kind is not AuthorKind.AI:
            return None
        return self._mutes.reason(names_of(command), by.asked_at or command.created_at, by.in_reply_to, now)

    def _heard(
        self,
        cause: MuteCause,
        names: set[str | None],
        since: datetime,
        said_at: datetime,
        now: datetime,
        event_id: str | None = None,
    ) -> bool:
        is_news = False
        for name in sorted(filter(None, names)):
            mute = Mute(conversation_id=name, cause=cause, since=since, until=said_at + self._span, event_id=event_id)
            if self._mutes.hear(mute):
                is_news = True
                self._notes.note(_name(mute), _encode(mute))
                self._tell(mute)
        for gone in self._mutes.forget(now):
            self._notes.note(_name(gone), None)
        return is_news


def names_of(command: Command) -> set[str | None]:
    """What the conversation of a command may be called: what it says, and that of its channel and recipient."""
    return {command.conversation_id, conversation_id(command.channel, command.contact)}


def _name(mute: Mute) -> bytes:
    return MUTE + f"{mute.cause}:{mute.conversation_id}".encode()
