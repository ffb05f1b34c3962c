"""Which attempts still wait to be shown by the gateway, and whether an echo may be of one of them. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.deliveries import FactKind
from streams.deliveries import Delivery
from streams.sending.windows import Windows

_MAY_HAVE_SENT: Final = frozenset({None, FactKind.IN_DOUBT, FactKind.ANSWERED})


class Unseen(NamedTuple):
    """An attempt whose message has no id yet. `ended` is its answer or its doubt, None while it is open."""

    attempt: int
    began: datetime
    ended: datetime | None
    is_answered: bool

    def fits(self, at: datetime, windows: Windows) -> bool:
        """Whether a message of this time may be this attempt's; the network's times are in whole seconds."""
        earliest = self.began.replace(microsecond=0) - timedelta(seconds=windows.clock_skew)
        return at >= earliest and (self.ended is None or at <= self.ended + timedelta(seconds=windows.echo))


def unseen(delivery: Delivery) -> Iterator[Unseen]:
    """The attempts that are open, in doubt, or were answered without an id of their message; the earliest first."""
    named = {mark.attempt for mark in delivery.marks if mark.provider_message_id}
    for mark in delivery.marks:
        if mark.fact is not FactKind.ATTEMPT_STARTED or mark.attempt in named:
            continue
        outcome = delivery.outcome(mark.attempt)
        if (outcome.fact if outcome else None) in _MAY_HAVE_SENT:
            is_answered = outcome is not None and outcome.fact is FactKind.ANSWERED
            yield Unseen(mark.attempt, mark.at, outcome.at if outcome else None, is_answered)
