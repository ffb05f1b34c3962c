"""The sender's state machine: what happens to a command, as one table. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from schemas.deliveries import DeliveryFact, FactKind, Status
from streams.deliveries import Delivery, record
from streams.sending import rules
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
)
from streams.sending.schedule import Schedule
from streams.sending.turns import wake_at


@dataclass(frozen=True, slots=True)
class Send:
    """Make the request of this attempt, once the facts are acknowledged."""

    attempt: int


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Come back to the command at this moment."""

    at: datetime


Effect: TypeAlias = Send | WakeAt


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
    for said in rule(delivery, given, rules.Moment(now, schedule)):
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


def _is_known(delivery: Delivery, said: rules.Said) -> bool:
    """Whether a fact was said before; what an operator decided may be decided again."""
    if said.fact is FactKind.DECIDED:
        return False
    return delivery.knows(said.fact, said.details.get("attempt", 0), said.details.get("ack"))


Rule: TypeAlias = Callable[[Delivery, Any, rules.Moment], Iterator[rules.Said]]


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
    Row(_UNKNOWN, Take, rules.accept),
    Row(_UNKNOWN, Replay, rules.suppress),
    Row(_WAITING, Wake, rules.expire),
    Row(_WAITING, Start, rules.start),
    Row(_UNSENT, Park, rules.park),
    Row(_KNOWN, Sent, rules.settle),
    Row(_KNOWN, NotSent, rules.retry),
    Row(_KNOWN, Down, rules.come_to_rest),
    Row(_KNOWN, Refused, rules.refuse),
    Row(_KNOWN, Unclear, rules.doubt),
    Row(_KNOWN, Withheld, rules.withhold),
    Row(_KNOWN, Late, rules.lapse),
    Row(_KNOWN, Moot, rules.drop),
    Row(_KNOWN, Withdrawn, rules.withdraw),
    Row(_KNOWN, Ack, rules.acknowledge),
    Row(_KNOWN, Echo, rules.echo),
    Row(_KNOWN, Decide, rules.decide),
    Row(frozenset({Status.ATTEMPTING}), Orphan, rules.orphan),
)
"""Every transition there is. Answers and evidence count in any state: they are facts, and the fold weighs them."""

_RULES: Final[dict[tuple[Status | None, type], Rule]] = {
    (state, row.on): row.rule for row in TABLE for state in row.states
}

__all__ = ["TABLE", "Effect", "Outcome", "Row", "Send", "WakeAt", "transition"]
