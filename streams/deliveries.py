"""What is known about a command: a join over its facts, in any order and however often each is said."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Self

import msgspec

from schemas.commands import Command
from schemas.deliveries import AckStatus, DeliveryFact, FactKind, Status

_REACHED: Final = (
    (AckStatus.PLAYED, Status.PLAYED),
    (AckStatus.READ, Status.READ),
    (AckStatus.DELIVERED, Status.DELIVERED),
)
_OUTCOMES: Final = (
    FactKind.ANSWERED,
    FactKind.REFUSED,
    FactKind.NOT_SENT,
    FactKind.EXPIRED,
    FactKind.SUPPRESSED,
    FactKind.IN_DOUBT,
)
"""What may become of an attempt, strongest first: knowing beats doubt, whenever it came to be known."""

CLOSED: Final = frozenset(Status) - {
    Status.QUEUED,
    Status.ATTEMPTING,
    Status.RETRYING,
    Status.PARKED,
    Status.UNCERTAIN,
}
"""States in which the sender has nothing left to do; evidence may still move a command among them."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What one fact adds to the knowledge about its command; `fact`, `attempt` and `ack` are its identity."""

    fact: FactKind
    attempt: int
    at: datetime
    ack: AckStatus | None = None
    retry_at: datetime | None = None
    provider_message_id: str | None = None

    @property
    def identity(self) -> tuple[int, str, str]:
        """Facts of one identity say the same; sorting by it makes equal knowledge equal."""
        return (self.attempt, self.fact, self.ack or "")

    @property
    def preference(self) -> tuple[Any, ...]:
        """Which of two marks of one identity stands: the one that names a message, then the earlier."""
        return (self.provider_message_id is None, self.at, msgspec.msgpack.encode(self))


class Delivery(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """The state of one command.

    `marks` are sorted and unique by identity, so that equal sets of facts give equal deliveries. `command` is None
    once its text is no longer needed, or as long as its `accepted` has not been seen.
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

    @property
    def status(self) -> Status:
        """The state that follows from the facts.

        Evidence of delivery beats an ack-failure, which beats `sent`, which beats every local conclusion; a local
        conclusion does not hide that an earlier attempt is in doubt.
        """
        acks = {mark.ack for mark in self.marks}
        for ack, reached in _REACHED:
            if ack in acks:
                return reached
        if AckStatus.FAILED in acks:
            return Status.FAILED
        kinds = {mark.fact for mark in self.marks}
        if kinds & {FactKind.ANSWERED, FactKind.ACKED}:
            return Status.SENT
        if self.open_attempt:
            return Status.ATTEMPTING
        if conclusion := self._conclusion(kinds):
            return Status.UNCERTAIN if self.doubts else conclusion
        match self.outcome(self.attempts):
            case Mark(fact=FactKind.IN_DOUBT):
                return Status.UNCERTAIN
            case _ if self.knows(FactKind.PARKED, self.attempts):
                return Status.PARKED
            case Mark(fact=FactKind.NOT_SENT):
                return Status.RETRYING
            case _:
                return Status.QUEUED

    @property
    def is_closed(self) -> bool:
        """Whether the sender has nothing left to do for it."""
        return self.status in CLOSED

    @property
    def attempts(self) -> int:
        """How many attempts were made: the number of the last one."""
        return max((mark.attempt for mark in self.marks), default=0)

    @property
    def forgiven(self) -> int:
        """How many attempts do not count: those that sent nothing, and of which it was then parked."""
        parked = {mark.attempt for mark in self.marks if mark.fact is FactKind.PARKED}
        return sum(mark.fact is FactKind.NOT_SENT and mark.attempt in parked for mark in self.marks)

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
        given_up = any(mark.fact is FactKind.NOT_SENT and mark.retry_at is None for mark in self.marks)
        if FactKind.REFUSED in kinds or given_up:
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
    added = Mark(fact.fact, fact.attempt, fact.at, fact.ack, fact.retry_at, fact.provider_message_id)
    marks = {mark.identity: mark for mark in delivery.marks}
    known = marks.get(added.identity, added)
    marks[added.identity] = added if known is added else min(known, added, key=lambda mark: mark.preference)
    return msgspec.structs.replace(
        delivery,
        command=_command(delivery.command, fact.command),
        marks=tuple(marks[identity] for identity in sorted(marks)),
    )


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


def _command(known: Command | None, said: Command | None) -> Command | None:
    """One command id has one command; should the log ever hold two, every reader takes the same one."""
    if known is None or said is None or known == said:
        return known or said
    return min(known, said, key=lambda command: (command.created_at, msgspec.json.encode(command)))
