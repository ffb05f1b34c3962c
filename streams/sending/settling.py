"""What an operator may decide about a command, and what stands against it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from schemas.deliveries import AckStatus, FactKind, OperatorDecision, Status
from streams.deliveries import Delivery

_OPEN_TO: Final[Mapping[OperatorDecision, frozenset[Status]]] = {
    OperatorDecision.SENT: frozenset({Status.UNCERTAIN, Status.FAILED, Status.CANCELLED}),
    OperatorDecision.NOT_SENT: frozenset({Status.UNCERTAIN, Status.SENT}),
    OperatorDecision.RESEND: frozenset({Status.UNCERTAIN, Status.RETRYING, Status.FAILED, Status.CANCELLED}),
    OperatorDecision.CANCEL: frozenset(
        {Status.QUEUED, Status.ATTEMPTING, Status.RETRYING, Status.PARKED, Status.UNCERTAIN}
    ),
}
"""The states in which each decision changes something; what an operator called sent may be called not sent."""

_INSTEAD: Final[Mapping[Status, str]] = {
    Status.QUEUED: "it has not been tried yet, and goes out by itself",
    Status.ATTEMPTING: "a request is under way; look again once it has ended",
    Status.RETRYING: "its last attempt surely sent nothing, and it will be tried again by itself",
    Status.PARKED: "it waits until its channel or the gateway is back, and goes out then by itself",
    Status.UNCERTAIN: "it is in doubt",
    Status.SENT: "an operator has said that it was sent",
    Status.FAILED: "it has failed, and nothing will be sent any more",
    Status.EXPIRED: "its time is over, and nothing will be sent any more",
    Status.SUPPRESSED: "it was not to be sent",
    Status.CANCELLED: "it has been cancelled",
}


def objection(
    delivery: Delivery, decision: OperatorDecision, attempt: int, expires_at: datetime | None, now: datetime
) -> str | None:
    """Why a command cannot be decided so by somebody who has seen so many attempts of it; None where it can."""
    if proof := _proof(delivery):
        return proof
    if attempt > delivery.attempts or (attempt < delivery.attempts and decision is not OperatorDecision.CANCEL):
        return f"there have been {delivery.attempts} attempts meanwhile, not {attempt}: look at it again"
    if decision is OperatorDecision.RESEND and delivery.is_resent:
        return "one more attempt is already asked for"
    if delivery.status not in _OPEN_TO[decision]:
        return _INSTEAD[delivery.status]
    if decision is OperatorDecision.RESEND and any(mark.fact is FactKind.SUPPRESSED for mark in delivery.marks):
        return _INSTEAD[Status.SUPPRESSED]
    if decision is OperatorDecision.SENT and not delivery.attempts:
        return "it was never tried"
    if decision is OperatorDecision.RESEND and expires_at is not None and expires_at <= now:
        return f"its time ended at {expires_at:%Y-%m-%d %H:%M:%S} UTC"
    return None


def _proof(delivery: Delivery) -> str | None:
    """What is known from outside, and stands above any word on it."""
    acks = {mark.ack for mark in delivery.marks}
    for ack in (AckStatus.PLAYED, AckStatus.READ, AckStatus.DELIVERED):
        if ack in acks:
            return f"it was {ack}"
    if AckStatus.FAILED in acks:
        return "WhatsApp itself reports that it failed: send it as a new event"
    kinds = {mark.fact for mark in delivery.marks}
    if FactKind.ANSWERED in kinds:
        return "it was sent: the gateway took it"
    return "it was sent: WhatsApp has shown it" if kinds & {FactKind.ECHOED, FactKind.ACKED} else None
