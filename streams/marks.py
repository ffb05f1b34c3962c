"""Marks: what the facts about a command leave behind of themselves, once each has been said."""

from datetime import datetime
from typing import Any, Self

import msgspec

from schemas.deliveries import AckStatus, DeliveryFact, FactKind, OperatorDecision
from schemas.events import Coordinates


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What one fact adds to the knowledge about its command; `fact`, `attempt`, `ack`, `decision` are its identity.

    `evidence` is kept of decisions alone: by it one that is delivered again is known.
    """

    fact: FactKind
    attempt: int
    at: datetime
    ack: AckStatus | None = None
    retry_at: datetime | None = None
    provider_message_id: str | None = None
    decision: OperatorDecision | None = None
    evidence: Coordinates | None = None

    @classmethod
    def of(cls, fact: DeliveryFact) -> Self:
        """What a fact leaves behind."""
        evidence = fact.evidence if fact.decision else None
        return cls(
            fact.fact,
            fact.attempt,
            fact.at,
            fact.ack,
            fact.retry_at,
            fact.provider_message_id,
            fact.decision,
            evidence,
        )

    @property
    def identity(self) -> tuple[int, str, str]:
        """Facts of one identity say the same; sorting by it makes equal knowledge equal."""
        return (self.attempt, self.fact, self.ack or self.decision or "")

    @property
    def gives_up(self) -> bool:
        """Whether it says that nothing was sent and no attempt will follow by itself."""
        return self.fact is FactKind.REFUSED or (self.fact is FactKind.NOT_SENT and self.retry_at is None)

    @property
    def preference(self) -> tuple[Any, ...]:
        """Which of two marks of one identity stands: the one that names a message, then the earlier.

        Of two equal decisions the later: a person may have decided otherwise in between.
        """
        moment = self.at.timestamp()
        is_late = moment if self.decision is None else -moment
        return (self.provider_message_id is None, is_late, msgspec.msgpack.encode(self))
