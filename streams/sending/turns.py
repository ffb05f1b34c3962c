"""Whose turn it is: what a command waits for, and whether those behind it wait for it. Pure."""

from datetime import datetime
from enum import Enum

from schemas.commands import Policy
from schemas.deliveries import FactKind, OperatorDecision, Status
from streams.deliveries import Delivery
from streams.sending.schedule import Schedule


class Turn(Enum):
    """What a command means for those to the same contact that came after it."""

    READY = "ready"
    """It may be attempted now, before them."""
    HOLDS = "holds"
    """They wait for it."""
    PASSES = "passes"
    """They need not wait for it."""


def turn(delivery: Delivery, now: datetime, schedule: Schedule) -> Turn:
    """Where a command stands.

    An open attempt, a retry and a parked command hold what follows; a doubt does for its window only; a command that
    is to wait for a time of its own does not. A parked one is ready: its channel is what waits (`dispatch`).
    """
    if delivery.command is None:
        return Turn.PASSES
    match delivery.status:
        case Status.ATTEMPTING:
            return Turn.HOLDS
        case Status.PARKED:
            return Turn.READY
        case Status.RETRYING:
            return Turn.READY if _due(retry_at(delivery), now) else Turn.HOLDS
        case Status.QUEUED:
            return Turn.READY if _due(delivery.command.not_before, now) else Turn.PASSES
        case Status.UNCERTAIN if _within_window(delivery, now, schedule):
            return Turn.HOLDS
        case Status.UNCERTAIN if may_resend(delivery, now, schedule):
            return Turn.READY
        case _:
            return Turn.PASSES


def wake_at(delivery: Delivery, now: datetime, schedule: Schedule) -> datetime | None:
    """The next moment at which something changes for a command although nothing happens; None where there is none."""
    command = delivery.command
    expires_at = command.expires_at if command else None
    match delivery.status:
        case Status.QUEUED if command:
            moments = [command.not_before, expires_at]
        case Status.RETRYING:
            moments = [retry_at(delivery), expires_at]
        case Status.PARKED:
            moments = [expires_at]
        case Status.UNCERTAIN:
            moments = [schedule.doubt_ends(mark.at) for mark in delivery.doubts]
        case _:
            moments = []
    return min((moment for moment in moments if moment and moment > now), default=None)


def is_expired(delivery: Delivery, now: datetime) -> bool:
    """Whether a command's time is over."""
    expires_at = delivery.command.expires_at if delivery.command else None
    return expires_at is not None and expires_at <= now


def may_resend(delivery: Delivery, now: datetime, schedule: Schedule) -> bool:
    """Whether the command's policy asks for its one second send; it follows the first attempt in doubt, or never."""
    last = delivery.outcome(delivery.attempts)
    return (
        delivery.command is not None
        and delivery.command.policy is Policy.AT_LEAST_ONCE
        and last is not None
        and delivery.doubts == (last,)
        and delivery.attempts < schedule.max_attempts
        and not _is_called_off(delivery)
        and not is_expired(delivery, now)
    )


def may_send(delivery: Delivery, now: datetime, schedule: Schedule) -> bool:
    """Whether a request for this command may still leave, now or later."""
    match delivery.status:
        case Status.QUEUED | Status.ATTEMPTING | Status.RETRYING | Status.PARKED:
            return True
        case Status.UNCERTAIN:
            return may_resend(delivery, now, schedule)
        case _:
            return False


def retry_at(delivery: Delivery) -> datetime | None:
    """When the next attempt is due, where the last one sent nothing; None (now) where an operator asked for one."""
    if delivery.is_resent:
        return None
    last = delivery.outcome(delivery.attempts)
    return last.retry_at if last and last.fact is FactKind.NOT_SENT else None


def _is_called_off(delivery: Delivery) -> bool:
    """Whether an operator's last word was never to send it: that binds the policy even where a doubt arose later."""
    decisions = [mark for mark in delivery.marks if mark.decision]
    last = max(decisions, key=lambda mark: (mark.at, mark.decision), default=None)
    return last is not None and last.decision is OperatorDecision.CANCEL


def _due(moment: datetime | None, now: datetime) -> bool:
    return moment is None or moment <= now


def _within_window(delivery: Delivery, now: datetime, schedule: Schedule) -> bool:
    return any(schedule.doubt_ends(mark.at) > now for mark in delivery.doubts)
