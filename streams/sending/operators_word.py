"""What an operator decided about a command: how it travels to the command's owner, as evidence. Pure."""

from datetime import datetime
from typing import Final

from schemas.deliveries import Evidence, EvidenceKind, OperatorDecision
from schemas.events import Coordinates
from streams.deliveries import Delivery
from streams.sending.inputs import Decide

LONGEST_NAME: Final = 191
LONGEST_REASON: Final = 500


def evidence_of(delivery: Delivery, decision: OperatorDecision, by: str, why: str, at: datetime) -> Evidence:
    """A decision as a record for `delivery.evidence`, about as many attempts as the operator has seen.

    Its key is the command's channel.
    """
    return Evidence(
        kind=EvidenceKind.DECISION,
        event_id=delivery.event_id,
        trace_id=delivery.trace_id,
        at=at,
        received_at=at,
        channel=delivery.channel,
        command_id=delivery.command_id,
        attempt=delivery.attempts,
        detail={"decision": decision, "by": by, "why": why},
    )


def decision_in(evidence: Evidence, where: Coordinates | None = None) -> Decide:
    """The decision that such a record tells of; ValueError where it tells of none, or not whose."""
    by, why = evidence.detail.get("by"), evidence.detail.get("why", "")
    if not isinstance(by, str) or not by.strip() or not isinstance(why, str):
        raise ValueError("a decision must say who made it, and why in words")
    if evidence.command_id is None or evidence.attempt is None:
        raise ValueError("a decision must name its command, and how many attempts of it had been seen")
    decision = OperatorDecision(str(evidence.detail.get("decision")))
    return Decide(decision, by[:LONGEST_NAME], why[:LONGEST_REASON], evidence.attempt, where)
