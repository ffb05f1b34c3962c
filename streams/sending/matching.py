"""Whose evidence it is: acks by the exact id of their message. (Echoes, which have no such id, are not matched yet.)"""

from collections.abc import Iterator

from schemas.deliveries import Evidence, EvidenceKind
from schemas.events import Coordinates
from streams.deliveries import Delivery
from streams.identity import message_key
from streams.sending.book import CommandKey, command_key
from streams.sending.draft import Draft
from streams.sending.inputs import Ack, Answer, Sent
from streams.sending.waiting_evidence import WaitingEvidence


class Matching:
    """Finds the command of an ack, also where the ack was faster than the answer that names its message."""

    def __init__(self, window: float) -> None:
        """`window`: seconds for which an ack of an unknown message is kept."""
        self._waiting = WaitingEvidence(window)

    def acks(self, draft: Draft, evidence: Evidence, where: Coordinates) -> Iterator[tuple[CommandKey, Ack]]:
        """What a piece of evidence says about which command; nothing where it is not known yet, or not ours."""
        if evidence.kind is not EvidenceKind.ACK or evidence.ack is None:
            return
        if evidence.command_id:
            key = command_key(evidence.command_id)
        elif evidence.message_key:
            bound = draft.bound(evidence.channel, evidence.message_key)
            if bound is None:
                self._waiting.keep(evidence, where)
                return
            key = bound
        else:
            return
        if delivery := draft.get(key):
            attempt = evidence.attempt or _attempt(delivery, evidence.message_key)
            yield key, Ack(attempt, evidence.ack, evidence.at, where)

    def acks_waiting_for(self, draft: Draft, key: CommandKey, answer: Answer) -> Iterator[tuple[CommandKey, Ack]]:
        """What was said about a message before the answer came that names it."""
        message = message_key(answer.provider_message_id) if isinstance(answer, Sent) else None
        delivery = draft.get(key)
        if message is None or delivery is None or draft.bound(delivery.channel, message) != key:
            return
        for evidence, where in self._waiting.claim(delivery.channel, message):
            if evidence.ack:
                yield key, Ack(answer.attempt, evidence.ack, evidence.at, where)


def _attempt(delivery: Delivery, message: str | None) -> int:
    """The attempt that sent a message; the last one where none names it."""
    named = (mark.attempt for mark in delivery.marks if message_key(mark.provider_message_id) == message)
    return next(named, delivery.attempts) if message else delivery.attempts
