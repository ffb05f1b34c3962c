"""What is known about a command: a join over its facts, in any order and however often each is said."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Self

import msgspec

from schemas.commands import Command
from schemas.deliveries import AckStatus, DeliveryFact, FactKind, OperatorDecision, Status
from streams.marks import Mark

_REACHED: Final = (
    (AckStatus.PLAYED, Status.PLAYED),
    (AckStatus.READ, Status.READ),
    (AckStatus.DELIVERED, Status.DELIVERED),
)
_OUTCOMES: Final = (
    FactKind.ANSWERED,
    FactKind.ECHOED,
    FactKind.REFUSED,
    FactKind.NOT_SENT,
    FactKind.EXPIRED,
    FactKind.SUPPRESSED,
    FactKind.IN_DOUBT,
)
"""What may become of an attempt, strongest first: knowing beats doubt, whenever it came to be known."""
_SENT: Final = frozenset({FactKind.ANSWERED, FactKind.ECHOED, FactKind.ACKED})
_CLOSING: Final = {
    OperatorDecision.SENT: Status.SENT,
    OperatorDecision.NOT_SENT: Status.FAILED,
    OperatorDecision.CANCEL: Status.CANCELLED,
}

OPEN: Final = (Status.QUEUED, Status.ATTEMPTING, Status.RETRYING, Status.PARKED, Status.UNCERTAIN)
CLOSED: Final = frozenset(Status) - frozenset(OPEN)
"""States in which the sender has nothing left to do; evidence may still move a command among them."""


class Delivery(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, dict=True):
    """The state of one command.

    `marks` are sorted and unique by identity, so that equal sets of facts give equal deliveries. `command` is None
    once its text is no longer needed, or as long as its `accepted` has not been seen. It never changes, so that what
    follows from it is reckoned once, however often a step of the sender asks.
    """

    command_id: str
    event_id: str
    trace_id: str
    tenant_id: int
    channel: str
    command: Command | None = None
    marks: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, command: Command) -> Self:
        """What is known of a command before its first fact."""
        return cls(
            command_id=command.command_id,
            event_id=command.event_id,
            trace_id=command.trace_id,
            tenant_id=command.tenant_id,
            channel=command.channel,
        )

    @cached_property
    def status(self) -> Status:
        """The state that follows from the facts.

        Evidence of delivery beats an ack-failure, which beats `sent`, which beats what an operator decided, which beats
        every local conclusion; a local conclusion does not hide that an earlier attempt is in doubt.
        """
        acks = {mark.ack for mark in self.marks if mark.ack}
        for ack, reached in _REACHED:
            if ack in acks:
                return reached
        if AckStatus.FAILED in acks:
            return Status.FAILED
        kinds = {mark.fact for mark in self.marks}
        if kinds & _SENT:
            return Status.SENT
        last = self.outcome(self.attempts)
        if last is None and self.attempts:
            return Status.ATTEMPTING
        decided = self.decision
        if decided and decided.decision in _CLOSING:
            return _CLOSING[decided.decision]
        if not self.is_resent:
            if conclusion := self._conclusion(kinds):
                return Status.UNCERTAIN if self.doubts else conclusion
            if last and last.fact is FactKind.IN_DOUBT:
                return Status.UNCERTAIN
        if self.knows(FactKind.PARKED, self.attempts):
            return Status.PARKED
        is_retried = self.is_resent or (last and last.fact is FactKind.NOT_SENT)
        return Status.RETRYING if is_retried else Status.QUEUED

    @property
    def is_closed(self) -> bool:
        """Whether the sender has nothing left to do for it."""
        return self.status in CLOSED

    @property
    def attempts(self) -> int:
        """How many attempts were made: the number of the last one, by which the marks are sorted."""
        return self.marks[-1].attempt if self.marks else 0

    def began(self, attempt: int) -> datetime | None:
        """When an attempt began; None where that is not known."""
        marks = (mark for mark in self.marks if mark.fact is FactKind.ATTEMPT_STARTED and mark.attempt == attempt)
        return next((mark.at for mark in marks), None)

    @property
    def forgiven(self) -> int:
        """How many attempts do not count: those that sent nothing, and after which it was parked, or due at once."""
        parked = {mark.attempt for mark in self.marks if mark.fact is FactKind.PARKED}
        return sum(
            mark.fact is FactKind.NOT_SENT and (mark.attempt in parked or mark.retry_at == mark.at)
            for mark in self.marks
        )

    @property
    def open_attempt(self) -> int:
        """The last attempt, where nothing is known of its outcome; else 0."""
        last = self.attempts
        return last if last and self.outcome(last) is None else 0

    @property
    def doubts(self) -> tuple[Mark, ...]:
        """The attempts of which nobody knows whether they sent something."""
        outcomes = (self.outcome(mark.attempt) for mark in self.marks if mark.fact is FactKind.IN_DOUBT)
        return tuple(mark for mark in outcomes if mark and mark.fact is FactKind.IN_DOUBT)

    @property
    def decision(self) -> Mark | None:
        """What an operator decided last, where it still stands.

        That nothing was sent is said of the last attempt alone. A doubt that arose later is decided anew, unless the
        message is known to have been sent.
        """
        decisions = [mark for mark in self.marks if mark.decision]
        if not decisions:  # nearly always
            return None
        standing = max(
            (
                mark
                for mark in decisions
                if mark.decision is not OperatorDecision.NOT_SENT or mark.attempt >= self.attempts
            ),
            key=lambda mark: (mark.at, mark.decision),
            default=None,
        )
        if standing is None or standing.decision is OperatorDecision.SENT:
            return standing
        return None if any(doubt.at > standing.at for doubt in self.doubts) else standing

    @property
    def is_resent(self) -> bool:
        """Whether an operator asked for one more attempt, which has not begun yet and may still be made."""
        decided = self.decision
        return (
            decided is not None
            and decided.decision is OperatorDecision.RESEND
            and decided.attempt >= self.attempts
            and not any(mark.fact in (FactKind.EXPIRED, FactKind.SUPPRESSED) for mark in self.marks)
        )

    def outcome(self, attempt: int) -> Mark | None:
        """The strongest of what was said about how an attempt ended."""
        found = {mark.fact: mark for mark in self.marks if mark.attempt == attempt}
        return next((found[fact] for fact in _OUTCOMES if fact in found), None)

    def knows(self, fact: FactKind, attempt: int = 0, ack: AckStatus | None = None) -> bool:
        """Whether a fact was said before."""
        return any((mark.fact, mark.attempt, mark.ack) == (fact, attempt, ack) for mark in self.marks)

    def without_command(self) -> "Delivery":
        """The same knowledge without recipient and text: enough for what may still be learned of a closed command."""
        return msgspec.structs.replace(self, command=None)

    def _conclusion(self, kinds: set[FactKind]) -> Status | None:
        resent = max((mark.attempt for mark in self.marks if mark.decision is OperatorDecision.RESEND), default=-1)
        since = [mark for mark in self.marks if mark.attempt > resent]
        if any(mark.gives_up for mark in since):
            return Status.FAILED
        if FactKind.EXPIRED in kinds:
            return Status.EXPIRED
        return Status.SUPPRESSED if FactKind.SUPPRESSED in kinds else None


def apply(delivery: Delivery | None, fact: DeliveryFact) -> Delivery:
    """Add one fact; None is a command that nothing was known of. Saying it again changes nothing."""
    if delivery is None:
        delivery = Delivery(
            command_id=fact.command_id,
            event_id=fact.event_id,
            trace_id=fact.trace_id,
            tenant_id=fact.tenant_id,
            channel=fact.channel,
        )
    marks = _with(delivery.marks, Mark.of(fact))
    return msgspec.structs.replace(delivery, command=_command(delivery.command, fact.command), marks=marks)


def fold(facts: Iterable[DeliveryFact]) -> Delivery:
    """What a command's facts say together; ValueError where there are none."""
    delivery = None
    for fact in facts:
        delivery = apply(delivery, fact)
    if delivery is None:
        raise ValueError("a command without facts has no state")
    return delivery


def record(delivery: Delivery, kind: FactKind, at: datetime, **details: Any) -> tuple[Delivery, DeliveryFact]:
    """Say one fact: the delivery after it, and the fact as it goes into the log, with the status after it."""
    fact = DeliveryFact(
        command_id=delivery.command_id,
        event_id=delivery.event_id,
        trace_id=delivery.trace_id,
        tenant_id=delivery.tenant_id,
        channel=delivery.channel,
        fact=kind,
        at=at,
        status=Status.QUEUED,
        **details,
    )
    after = apply(delivery, fact)
    return after, msgspec.structs.replace(fact, status=after.status)


def _with(marks: tuple[Mark, ...], added: Mark) -> tuple[Mark, ...]:
    """The marks and one more; of two of one identity the preferred one stands."""
    at = bisect_left(marks, added.identity, key=lambda mark: mark.identity)
    behind = at
    if at < len(marks) and marks[at].identity == added.identity:
        added = min(marks[at], added, key=lambda mark: mark.preference)
        behind += 1
    return (*marks[:at], added, *marks[behind:])


def _command(known: Command | None, said: Command | None) -> Command | None:
    """One command id has one command; should the log ever hold two, every reader takes the same one."""
    if known is None or said is None or known == said:
        return known or said
    return min(known, said, key=lambda command: (command.created_at, msgspec.json.encode(command)))
