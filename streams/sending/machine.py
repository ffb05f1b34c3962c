"""The sender's state machine: what happens to a command, as one table. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from schemas.deliveries import DeliveryFact, FactKind, OperatorDecision, Status
from streams.deliveries import Delivery, record
from streams.sending.inputs import (
    Ack,
    Decide,
    Down,
    Echo,
    Input,
    Late,
    Moot,
    NotSent,
    Orphan,
    Park,
    Refused,
    Replay,
    Sent,
    Start,
    Take,
    Unclear,
    Wake,
    Withdrawn,
    Withheld,
    request_id,
)
from streams.sending.schedule import Schedule, spread
from streams.sending.settling import objection
from streams.sending.trouble import cause
from streams.sending.turns import Turn, is_expired, turn, wake_at

_LEAST: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Send:
    """Make the request of this attempt, once the facts are acknowledged."""

    attempt: int


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Come back to the command at this moment."""

    at: datetime


Effect: TypeAlias = Send | WakeAt


class Moment(NamedTuple):
    """The circumstances of a transition."""

    now: datetime
    schedule: Schedule


class Said(NamedTuple):
    """One fact to be said, before it is dressed for the log."""

    fact: FactKind
    details: dict[str, Any]


class Outcome(NamedTuple):
    """What follows from an input: the delivery after it, facts for the log, and effects once those are acknowledged."""

    delivery: Delivery | None
    facts: tuple[DeliveryFact, ...] = ()
    effects: tuple[Effect, ...] = ()


def transition(delivery: Delivery | None, given: Input, now: datetime, schedule: Schedule) -> Outcome:
    """Let one thing happen to a command (None: one that nothing is known of).

    What the table does not list, and a fact that was said before, changes nothing.
    """
    rule = _RULES.get((delivery.status if delivery else None, type(given)))
    if delivery is None and isinstance(given, Take | Replay):
        delivery = Delivery.of(given.command)
    if rule is None or delivery is None:
        return Outcome(delivery)
    facts = []
    effects: list[Effect] = []
    for said in rule(delivery, given, Moment(now, schedule)):
        at = said.details.pop("at", now)
        if _is_known(delivery, said):
            continue
        delivery, fact = record(delivery, said.fact, at, **said.details)
        facts.append(fact)
        if said.fact is FactKind.ATTEMPT_STARTED:
            effects.append(Send(fact.attempt))
    if (facts or isinstance(given, Wake)) and (at := wake_at(delivery, now, schedule)):
        effects.append(WakeAt(at))
    return Outcome(delivery, tuple(facts), tuple(effects))


def _is_known(delivery: Delivery, said: Said) -> bool:
    """Whether a fact was said before; what an operator decided may be decided again."""
    if said.fact is FactKind.DECIDED:
        return False
    return delivery.knows(said.fact, said.details.get("attempt", 0), said.details.get("ack"))


def _accept(delivery: Delivery, given: Take, moment: Moment) -> Iterator[Said]:
    """Take it into the log."""
    yield Said(FactKind.ACCEPTED, {"command": given.command})


def _suppress(delivery: Delivery, given: Replay, moment: Moment) -> Iterator[Said]:
    """Take it into the log, never to be sent."""
    yield Said(FactKind.ACCEPTED, {"command": given.command})
    yield Said(FactKind.SUPPRESSED, {"reason": "replay"})


def _expire(delivery: Delivery, given: Wake | Start, moment: Moment) -> Iterator[Said]:
    """Give up where its time is over and surely nothing was sent; else it waits for its turn."""
    if is_expired(delivery, moment.now) and delivery.status is not Status.UNCERTAIN:
        yield Said(FactKind.EXPIRED, {"reason": "expired"})


def _start(delivery: Delivery, given: Start, moment: Moment) -> Iterator[Said]:
    """Start the next attempt where one is due: of a doubt, one second send at most, and only as its policy asks."""
    if is_expired(delivery, moment.now):
        yield from _expire(delivery, given, moment)
    elif turn(delivery, moment.now, moment.schedule) is Turn.READY:
        attempt = delivery.attempts + 1
        details = {"attempt": attempt, "request_id": request_id(delivery.command_id, attempt)}
        yield Said(FactKind.ATTEMPT_STARTED, details)


def _settle(delivery: Delivery, given: Sent, moment: Moment) -> Iterator[Said]:
    """The message is on its way; its provider id binds acks to the command."""
    details = {"attempt": given.attempt, "provider_message_id": given.provider_message_id}
    yield Said(FactKind.ANSWERED, {**details, "reason": given.reason, "evidence": given.evidence})


def _retry(delivery: Delivery, given: NotSent, moment: Moment) -> Iterator[Said]:
    """Try again by the schedule, not before the gateway asks to; after the last attempt, give up."""
    jitter = spread(delivery.command_id, given.attempt)
    counted = given.attempt - delivery.forgiven
    retry_at = moment.schedule.retry_at(moment.now, counted, jitter, given.retry_after)
    yield Said(FactKind.NOT_SENT, {**_answer(given), "retry_at": retry_at})


def _come_to_rest(delivery: Delivery, given: Down, moment: Moment) -> Iterator[Said]:
    """Wait until its channel or the gateway is back; the attempt does not count."""
    yield Said(FactKind.NOT_SENT, {**_answer(given), "retry_at": moment.now})
    yield Said(FactKind.PARKED, {"attempt": given.attempt, "reason": cause(given.reason)})


def _park(delivery: Delivery, given: Park, moment: Moment) -> Iterator[Said]:
    """Wait until its channel or the gateway is back, where its turn had come; said once, however long that takes."""
    if is_expired(delivery, moment.now):
        yield Said(FactKind.EXPIRED, {"reason": "expired"})
    elif delivery.status is not Status.PARKED:
        yield Said(FactKind.PARKED, {"attempt": delivery.attempts, "reason": given.reason})


def _refuse(delivery: Delivery, given: Refused, moment: Moment) -> Iterator[Said]:
    """Give up: the same message would be refused again."""
    yield Said(FactKind.REFUSED, _answer(given))


def _doubt(delivery: Delivery, given: Unclear, moment: Moment) -> Iterator[Said]:
    """Wait for evidence: the message may have been sent."""
    yield Said(FactKind.IN_DOUBT, _answer(given))


def _withhold(delivery: Delivery, given: Withheld, moment: Moment) -> Iterator[Said]:
    """Give up without a request: it would go out by a channel that is not the one the command was made for."""
    details = {"attempt": given.attempt, "reason": given.reason, "message": given.message}
    yield Said(FactKind.NOT_SENT, details)


def _lapse(delivery: Delivery, given: Late, moment: Moment) -> Iterator[Said]:
    """Give up without a request: the command's time ended while its attempt was being recorded."""
    yield Said(FactKind.EXPIRED, {"attempt": given.attempt, "reason": "expired"})


def _drop(delivery: Delivery, given: Moot, moment: Moment) -> Iterator[Said]:
    """Give up without a request: what it was to say is no longer true."""
    yield Said(FactKind.SUPPRESSED, {"attempt": given.attempt, "reason": "precondition"})


def _withdraw(delivery: Delivery, given: Withdrawn, moment: Moment) -> Iterator[Said]:
    """Leave it to the next owner: due at once, were it the last attempt or not."""
    details = {"attempt": given.attempt, "reason": "handing_over", "retry_at": moment.now}
    yield Said(FactKind.NOT_SENT, details)


def _acknowledge(delivery: Delivery, given: Ack, moment: Moment) -> Iterator[Said]:
    """Evidence stands above all that the hub concluded itself."""
    details = {"attempt": given.attempt, "ack": given.ack, "at": given.at, "evidence": given.evidence}
    yield Said(FactKind.ACKED, details)


def _echo(delivery: Delivery, given: Echo, moment: Moment) -> Iterator[Said]:
    """It was sent, whatever the answer says or will say; the id of its message binds acks to the command."""
    details = {"attempt": given.attempt, "provider_message_id": given.provider_message_id}
    yield Said(FactKind.ECHOED, {**details, "at": given.at, "evidence": given.evidence})


def _decide(delivery: Delivery, given: Decide, moment: Moment) -> Iterator[Said]:
    """Do as the operator decided, where that is still theirs to decide; evidence that comes later stands above it."""
    command = delivery.command or given.command
    expires_at = command.expires_at if command else None
    if objection(delivery, given.decision, given.attempt, expires_at, moment.now):
        return
    is_reopened = delivery.command is None and given.decision is OperatorDecision.RESEND
    if is_reopened and given.command is None:
        return  # its text cannot be found any more
    details = {"attempt": given.attempt, "decision": given.decision, "by": given.by, "message": given.why}
    yield Said(
        FactKind.DECIDED,
        {
            **details,
            "at": _after_all(delivery, moment.now),
            "evidence": given.evidence,
            "command": given.command if is_reopened else None,
        },
    )


def _after_all(delivery: Delivery, now: datetime) -> datetime:
    """Now, or just after what it decides about, should that have been written by a clock that is ahead."""
    about = (mark.at + _LEAST for mark in delivery.marks if mark.fact in (FactKind.IN_DOUBT, FactKind.DECIDED))
    return max((now, *about))


def _orphan(delivery: Delivery, given: Orphan, moment: Moment) -> Iterator[Said]:
    """The former owner may have sent it: wait for evidence, never send it blindly again."""
    yield Said(FactKind.IN_DOUBT, {"attempt": delivery.open_attempt, "reason": "owner_lost"})


def _answer(given: NotSent | Down | Refused | Unclear) -> dict[str, Any]:
    return {
        "attempt": given.attempt,
        "reason": given.reason,
        "message": given.message,
        "http_status": given.http_status,
        "evidence": getattr(given, "evidence", None),
    }


Rule: TypeAlias = Callable[[Delivery, Any, Moment], Iterator[Said]]


class Row(NamedTuple):
    """One line of the table: in these states (None: not known yet), on this input, do this."""

    states: frozenset[Status | None]
    on: type
    rule: Rule

    @property
    def says(self) -> str:
        """The rule in words."""
        return (self.rule.__doc__ or "").strip()


_UNKNOWN: Final[frozenset[Status | None]] = frozenset({None})
_KNOWN: Final[frozenset[Status | None]] = frozenset(Status)
_UNSENT: Final[frozenset[Status | None]] = frozenset({Status.QUEUED, Status.RETRYING, Status.PARKED})
_WAITING: Final = _UNSENT | {Status.UNCERTAIN}

TABLE: Final = (
    Row(_UNKNOWN, Take, _accept),
    Row(_UNKNOWN, Replay, _suppress),
    Row(_WAITING, Wake, _expire),
    Row(_WAITING, Start, _start),
    Row(_UNSENT, Park, _park),
    Row(_KNOWN, Sent, _settle),
    Row(_KNOWN, NotSent, _retry),
    Row(_KNOWN, Down, _come_to_rest),
    Row(_KNOWN, Refused, _refuse),
    Row(_KNOWN, Unclear, _doubt),
    Row(_KNOWN, Withheld, _withhold),
    Row(_KNOWN, Late, _lapse),
    Row(_KNOWN, Moot, _drop),
    Row(_KNOWN, Withdrawn, _withdraw),
    Row(_KNOWN, Ack, _acknowledge),
    Row(_KNOWN, Echo, _echo),
    Row(_KNOWN, Decide, _decide),
    Row(frozenset({Status.ATTEMPTING}), Orphan, _orphan),
)
"""Every transition there is. Answers and evidence count in any state: they are facts, and the fold weighs them."""

_RULES: Final[dict[tuple[Status | None, type], Rule]] = {
    (state, row.on): row.rule for row in TABLE for state in row.states
}

__all__ = ["TABLE", "Effect", "Moment", "Outcome", "Row", "Send", "WakeAt", "transition"]
