"""The rules of the sender's state machine: what each input makes of a command, in facts. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.deliveries import FactKind, OperatorDecision, Status
from streams.deliveries import Delivery
from streams.sending.inputs import (
    Ack,
    Decide,
    Down,
    Echo,
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
from streams.sending.turns import Turn, is_expired, turn

_LEAST: Final = timedelta(microseconds=1)


class Moment(NamedTuple):
    """The circumstances of a transition."""

    now: datetime
    schedule: Schedule


class Said(NamedTuple):
    """One fact to be said, before it is dressed for the log."""

    fact: FactKind
    details: dict[str, Any]


def accept(delivery: Delivery, given: Take, moment: Moment) -> Iterator[Said]:
    """Take it into the log."""
    yield Said(FactKind.ACCEPTED, {"command": given.command})


def suppress(delivery: Delivery, given: Replay, moment: Moment) -> Iterator[Said]:
    """Take it into the log, never to be sent."""
    yield Said(FactKind.ACCEPTED, {"command": given.command})
    yield Said(FactKind.SUPPRESSED, {"reason": "replay"})


def expire(delivery: Delivery, given: Wake | Start, moment: Moment) -> Iterator[Said]:
    """Give up where its time is over and surely nothing was sent; else it waits for its turn."""
    if is_expired(delivery, moment.now) and delivery.status is not Status.UNCERTAIN:
        yield Said(FactKind.EXPIRED, {"reason": "expired"})


def start(delivery: Delivery, given: Start, moment: Moment) -> Iterator[Said]:
    """Start the next attempt where one is due: of a doubt, one second send at most, and only as its policy asks."""
    if is_expired(delivery, moment.now):
        yield from expire(delivery, given, moment)
    elif turn(delivery, moment.now, moment.schedule) is Turn.READY:
        attempt = delivery.attempts + 1
        details = {"attempt": attempt, "request_id": request_id(delivery.command_id, attempt)}
        yield Said(FactKind.ATTEMPT_STARTED, details)


def settle(delivery: Delivery, given: Sent, moment: Moment) -> Iterator[Said]:
    """The message is on its way; its provider id binds acks to the command."""
    details = {"attempt": given.attempt, "provider_message_id": given.provider_message_id}
    yield Said(FactKind.ANSWERED, {**details, "reason": given.reason, "evidence": given.evidence})


def retry(delivery: Delivery, given: NotSent, moment: Moment) -> Iterator[Said]:
    """Try again by the schedule, not before the gateway asks to; after the last attempt, give up."""
    jitter = spread(delivery.command_id, given.attempt)
    counted = given.attempt - delivery.forgiven
    retry_at = moment.schedule.retry_at(moment.now, counted, jitter, given.retry_after)
    yield Said(FactKind.NOT_SENT, {**_answer(given), "retry_at": retry_at})


def come_to_rest(delivery: Delivery, given: Down, moment: Moment) -> Iterator[Said]:
    """Wait until its channel or the gateway is back; the attempt does not count."""
    yield Said(FactKind.NOT_SENT, {**_answer(given), "retry_at": moment.now})
    yield Said(FactKind.PARKED, {"attempt": given.attempt, "reason": cause(given.reason)})


def park(delivery: Delivery, given: Park, moment: Moment) -> Iterator[Said]:
    """Wait until its channel or the gateway is back, where its turn had come; said once, however long that takes."""
    if is_expired(delivery, moment.now):
        yield Said(FactKind.EXPIRED, {"reason": "expired"})
    elif delivery.status is not Status.PARKED:
        yield Said(FactKind.PARKED, {"attempt": delivery.attempts, "reason": given.reason})


def refuse(delivery: Delivery, given: Refused, moment: Moment) -> Iterator[Said]:
    """Give up: the same message would be refused again."""
    yield Said(FactKind.REFUSED, _answer(given))


def doubt(delivery: Delivery, given: Unclear, moment: Moment) -> Iterator[Said]:
    """Wait for evidence: the message may have been sent."""
    yield Said(FactKind.IN_DOUBT, _answer(given))


def withhold(delivery: Delivery, given: Withheld, moment: Moment) -> Iterator[Said]:
    """Give up without a request: it would go out by a channel that is not the one the command was made for."""
    details = {"attempt": given.attempt, "reason": given.reason, "message": given.message}
    yield Said(FactKind.NOT_SENT, details)


def lapse(delivery: Delivery, given: Late, moment: Moment) -> Iterator[Said]:
    """Give up without a request: the command's time ended while its attempt was being recorded."""
    yield Said(FactKind.EXPIRED, {"attempt": given.attempt, "reason": "expired"})


def drop(delivery: Delivery, given: Moot, moment: Moment) -> Iterator[Said]:
    """Give up without a request: what it was to say is no longer true."""
    yield Said(FactKind.SUPPRESSED, {"attempt": given.attempt, "reason": given.reason})


def withdraw(delivery: Delivery, given: Withdrawn, moment: Moment) -> Iterator[Said]:
    """Leave it to the next owner: due at once, were it the last attempt or not."""
    details = {"attempt": given.attempt, "reason": "handing_over", "retry_at": moment.now}
    yield Said(FactKind.NOT_SENT, details)


def acknowledge(delivery: Delivery, given: Ack, moment: Moment) -> Iterator[Said]:
    """Evidence stands above all that the hub concluded itself."""
    details = {"attempt": given.attempt, "ack": given.ack, "at": given.at, "evidence": given.evidence}
    yield Said(FactKind.ACKED, details)


def echo(delivery: Delivery, given: Echo, moment: Moment) -> Iterator[Said]:
    """It was sent, whatever the answer says or will say; the id of its message binds acks to the command."""
    details = {"attempt": given.attempt, "provider_message_id": given.provider_message_id}
    yield Said(FactKind.ECHOED, {**details, "at": given.at, "evidence": given.evidence})


def decide(delivery: Delivery, given: Decide, moment: Moment) -> Iterator[Said]:
    """Do as the operator decided, where that is still theirs to decide; evidence that comes later stands above it."""
    if _was_weighed(delivery, given):
        return
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


def _was_weighed(delivery: Delivery, given: Decide) -> bool:
    """Whether it, or one that was made after it, is in the log: after a crash, records come again.

    Without this a `cancel` that comes again would undo the `resend` behind it. Decisions about one command lie in one
    partition.
    """
    at = given.evidence
    known = (mark.evidence for mark in delivery.marks if mark.decision)
    return at is not None and any(
        place and (place.topic, place.partition) == (at.topic, at.partition) and place.offset >= at.offset
        for place in known
    )


def _after_all(delivery: Delivery, now: datetime) -> datetime:
    """Now, or just after what it decides about, should that have been written by a clock that is ahead."""
    about = (mark.at + _LEAST for mark in delivery.marks if mark.fact in (FactKind.IN_DOUBT, FactKind.DECIDED))
    return max((now, *about))


def orphan(delivery: Delivery, given: Orphan, moment: Moment) -> Iterator[Said]:
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
