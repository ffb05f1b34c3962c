"""Whose evidence it is: by the exact id of a message, else by what it says to whom, and when."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import structlog

from schemas.deliveries import Evidence, EvidenceKind
from schemas.events import Coordinates
from streams.deliveries import Delivery
from streams.identity import message_key
from streams.sending import late_answers, operators_word
from streams.sending.book import Book, CommandKey, command_key
from streams.sending.contents import likeness
from streams.sending.draft import Draft
from streams.sending.inputs import Ack, Answer, Decide, Echo, Input, Sent
from streams.sending.unseen import Unseen, unseen
from streams.sending.waiting_evidence import WaitingEvidence
from streams.sending.windows import Windows

log = structlog.get_logger()

FOREIGN_ID: Final = "foreign_id"
"""Reason of an answer that named a message which is known to be another command's."""

_LID: Final = "@lid"
_KEPT_FOR: Final = 10  # windows: an echo may be told much later than it was seen

Addressed = tuple[CommandKey, Input]
"""What happened, and to which command."""


class Matching:
    """Finds the command of a piece of evidence, also where that was faster than what names its message."""

    def __init__(self, book: Book, windows: Windows) -> None:
        self._book = book
        self._windows = windows
        self._waiting = WaitingEvidence(book, windows.waiting)

    def heard(self, draft: Draft, evidence: Evidence, where: Coordinates) -> Iterator[Addressed]:
        """What a piece of evidence says about which command; nothing where it is not known yet, or not ours."""
        match evidence.kind:
            case EvidenceKind.ACK:
                yield from self._ack(draft, evidence, where)
            case EvidenceKind.ECHO:
                yield from self._echo(draft, evidence, where)
            case EvidenceKind.LATE_ANSWER | EvidenceKind.DECISION if evidence.command_id:
                yield from _told(draft, evidence, where)

    def is_foreign(self, draft: Draft, evidence: Evidence) -> bool:
        """Whether it shows an own message of which no command is known by its id or its text: a person wrote it."""
        if evidence.kind is not EvidenceKind.ECHO or evidence.channel is None or evidence.message_key is None:
            return False
        if draft.bound(evidence.channel, evidence.message_key):
            return False
        return not evidence.text or not any(self._book.contents.alike(evidence.channel, likeness(evidence.text)))

    def named(self, draft: Draft, key: CommandKey, attempt: int, message: str) -> Iterator[Addressed]:
        """What was said about a message before it was known to be this attempt's."""
        delivery = draft.get(key)
        if delivery is None or draft.bound(delivery.channel, message) != key:
            return
        for kept in self._waiting.claim(delivery.channel, message):
            if kept.evidence.ack:
                yield key, Ack(attempt, kept.evidence.ack, kept.evidence.at, kept.where)

    def left_behind(self, draft: Draft) -> Iterator[Addressed]:
        """What a former owner still kept about messages whose command was known by then."""
        for channel, message in self._waiting.messages():
            key = draft.bound(channel, message)
            if delivery := draft.get(key) if key else None:
                for kept in self._waiting.claim(delivery.channel, message):
                    yield from self._ack(draft, kept.evidence, kept.where)

    def own(self, draft: Draft, key: CommandKey, given: Input) -> Input:
        """An answer without the id of a message that is another command's: what is known first stands."""
        if not isinstance(given, Sent):
            return given
        message, delivery = message_key(given.provider_message_id), draft.get(key)
        if message is None or delivery is None or draft.bound(delivery.channel, message) in (None, key):
            return given
        log.warning("answer_names_another_message", command_id=delivery.command_id, trace_id=delivery.trace_id)
        return Sent(given.attempt, reason=FOREIGN_ID, evidence=given.evidence)

    def _ack(self, draft: Draft, evidence: Evidence, where: Coordinates) -> Iterator[Addressed]:
        if evidence.ack is None:
            return
        if evidence.command_id:
            key = command_key(evidence.command_id)
        elif evidence.message_key:
            bound = draft.bound(evidence.channel, evidence.message_key)
            if bound is None:
                draft.keeps |= self._waiting.keep(evidence, where)
                return
            key = bound
        else:
            return
        if delivery := draft.get(key):
            attempt = evidence.attempt or _attempt(delivery, evidence.message_key)
            if attempt <= delivery.attempts:
                yield key, Ack(attempt, evidence.ack, evidence.at, where)

    def _echo(self, draft: Draft, evidence: Evidence, where: Coordinates) -> Iterator[Addressed]:
        """An echo whose id is known proves nothing new; without an id it could be counted twice, and is not counted."""
        self._book.forget_contents(evidence.received_at - timedelta(seconds=_KEPT_FOR * self._windows.echo))
        message = evidence.message_key
        if message is None or evidence.channel is None or draft.bound(evidence.channel, message):
            return
        if found := self._shown(draft, evidence):
            key, attempt = found
            yield key, Echo(attempt.attempt, message, evidence.at, where)

    def _shown(self, draft: Draft, echo: Evidence) -> tuple[CommandKey, Unseen] | None:
        """The attempt that an echo shows: the earliest that it fits; None where it was typed on the phone.

        A lid and a phone may be one contact, and nobody knows: there, it must be the only one that fits, and not
        answered for.
        """
        if not echo.channel or not echo.contact or not echo.text:
            return None
        contacts = {echo.contact, echo.detail.get("same_contact", echo.contact)}
        sure, unsure = [], []
        for key, contact in self._book.contents.alike(echo.channel, likeness(echo.text)):
            delivery = draft.get(key)
            fitting = (
                [(key, each) for each in unseen(delivery) if each.fits(echo.at, self._windows)] if delivery else []
            )
            if contact in contacts:
                sure += fitting
            elif _may_be_one(contact, echo.contact):
                unsure += fitting
        if sure:
            return min(sure, key=lambda found: found[1].began)
        return unsure[0] if len(unsure) == 1 and not unsure[0][1].is_answered else None


def _told(draft: Draft, evidence: Evidence, where: Coordinates) -> Iterator[Addressed]:
    """A late answer or an operator's decision, about a command that must be known."""
    key = command_key(evidence.command_id or "")
    delivery = draft.get(key)
    said: Answer | Decide | None = None
    if evidence.kind is EvidenceKind.DECISION:
        said = operators_word.decision_in(evidence, where)
    elif delivery and late_answers.is_about(evidence, delivery):
        said = late_answers.answer_in(evidence, where)
    if delivery is None or said is None:
        log.warning("evidence_of_no_attempt", kind=evidence.kind, command_id=evidence.command_id)
        return
    yield key, said


def _may_be_one(one: str, other: str) -> bool:
    """Whether one is a lid and the other a phone."""
    return (one.endswith(_LID) and other.isdecimal()) or (other.endswith(_LID) and one.isdecimal())


def _attempt(delivery: Delivery, message: str | None) -> int:
    """The attempt that sent a message; the last one where none names it."""
    named = (mark.attempt for mark in delivery.marks if message_key(mark.provider_message_id) == message)
    return next(named, delivery.attempts) if message else delivery.attempts
