"""What a step of an outbox decides: lets inputs happen, keeps each contact's order, and starts what may be sent.

It does no I/O and does not wait: all that it decides goes into a draft.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeAlias

import structlog

from schemas.commands import Command
from schemas.deliveries import Evidence, EvidenceKind
from schemas.events import Coordinates
from streams.deliveries import Delivery
from streams.identity import message_key
from streams.sending.book import CommandKey, command_key
from streams.sending.dispatch import Dispatch, Line
from streams.sending.draft import Draft
from streams.sending.gates import NEVER, Gates
from streams.sending.inputs import Answer, Decide, Input, Park, Replay, Start, Take, Wake
from streams.sending.lanes import Lane, lane_of
from streams.sending.machine import Send
from streams.sending.matching import Matching
from streams.sending.muting import Muting
from streams.sending.parking import News, Parking, news_in, news_in_answer
from streams.sending.turns import Turn, turn

log = structlog.get_logger()

_LOOKED_AT_AGAIN: Final = timedelta(seconds=60)  # so that a change of the channel's own bounds is noticed
_MOST_PARKED: Final = 200  # a step


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of evidence, and where its record lies; `command` where its text had to be looked up for it."""

    evidence: Evidence
    where: Coordinates
    command: Command | None = None


Incoming: TypeAlias = Take | Replay | Found
"""What comes in from the partition's topics."""


class Desk:
    """The commands of one partition in their lines, the evidence that waits for one of them, and what is parked."""

    def __init__(self, dispatch: Dispatch, matching: Matching, gates: Gates, parking: Parking, muting: Muting) -> None:
        self._dispatch = dispatch
        self._matching = matching
        self._gates = gates
        self._parking = parking
        self._muting = muting
        self._touched: dict[Line, None] = {}

    def restore(self, key: CommandKey, delivery: Delivery, command: Command) -> None:
        """Put a command into its line that a former owner had taken; the oldest first."""
        self._parking.restore(key, delivery)
        line = line_of(command)
        self._dispatch.join(line, key)
        self._touched[line] = None

    def resume(self, draft: Draft) -> None:
        """Let count what a former owner had put aside, and whose command is known by now."""
        for key, heard in list(self._matching.left_behind(draft)):
            self._let(draft, key, heard)

    def absorb(self, draft: Draft, inputs: Iterable[Incoming]) -> None:
        """Take what came in."""
        for given in inputs:
            if isinstance(given, Found):
                self.hear(news_in(given.evidence))
                self._found(draft, given)
            else:
                key = command_key(given.command.command_id)
                if isinstance(given, Take):
                    draft.keeps |= self._muting.taken(given.command, draft.now)
                _compare(draft.get(key), given.command)
                self._let(draft, key, given)

    def _found(self, draft: Draft, given: Found) -> None:
        is_foreign = self._matching.is_foreign(draft, given.evidence)
        for key, heard in self._matching.heard(draft, given.evidence, given.where):
            is_foreign = False
            if isinstance(heard, Decide):
                heard = replace(heard, command=given.command)
            self._let(draft, key, heard)
        if is_foreign or given.evidence.kind is EvidenceKind.HANDOFF:
            draft.keeps |= self._muting.shown(given.evidence, draft.now)

    def answered(self, draft: Draft, key: CommandKey, line: Line, answer: Answer) -> None:
        """A request ended: its answer counts, and its line goes on."""
        self._dispatch.done(line)
        self._touched[line] = None
        self.hear(news_in_answer(line.channel, answer, draft.now))
        self._let(draft, key, self._parking.weighed(key, answer))

    def wake(self, draft: Draft, keys: Iterable[CommandKey]) -> None:
        """The moments have come that these commands waited for."""
        for key in keys:
            self._let(draft, key, Wake())

    def hear(self, news: News | None) -> None:
        """Take what was told of a channel: what waits for it may go once it is back, and rests while it is gone."""
        if news is None or not self._parking.hear(news):
            return
        if news.reason is None:
            self._dispatch.release(news.channel)
        else:
            self._parking.put_off(self._dispatch.standing_for(news.channel))

    def look_again(self, channels: Iterable[str]) -> None:
        """The moments have come for which lanes of these channels waited."""
        for channel in channels:
            self._dispatch.release(channel)

    def start(self, draft: Draft) -> None:
        """Start the attempts that are due, as far as there is room; park those whose channel is down."""
        self._gates.begin()
        for put_off, is_troubled in self._parking.put_off_now(_MOST_PARKED):
            self._park(draft, put_off, is_troubled=is_troubled)
        self._offer_touched(draft)
        while place := self._dispatch.take(partial(self._is_open, draft)):
            key = self._ready(draft, place.line).get(place.lane)
            effects = self._let(draft, key, Start()) if key else ()
            if any(isinstance(effect, Send) for effect in effects):
                self._gates.started(place.lane)
            else:
                self._dispatch.spare(place.line)
                self._touched[place.line] = None
                self._offer_touched(draft)

    def _park(self, draft: Draft, key: CommandKey, *, is_troubled: bool) -> None:
        delivery = draft.get(key)
        reason = self._parking.reason(delivery.channel) if delivery else None
        if delivery and reason and (is_troubled or turn(delivery, draft.now, draft.schedule) is Turn.READY):
            self._parking.rest(key, delivery.channel)
            self._let(draft, key, Park(reason))

    def _is_open(self, draft: Draft, lane: Lane) -> bool:
        """Whether a lane may send; where it may not, it is looked at again in time."""
        if self._parking.down(lane.channel) and self._gates.is_usable(lane.channel):
            opens_at = draft.now + _LOOKED_AT_AGAIN
        else:
            opens_at = self._gates.opens_at(lane, draft.now)
            if opens_at <= draft.now or opens_at == NEVER:  # what never may go out fails at the look before its request
                return True
        draft.openings.append((min(opens_at, draft.now + _LOOKED_AT_AGAIN), lane.channel))
        return False

    def _let(self, draft: Draft, key: CommandKey, given: Input) -> tuple[object, ...]:
        """Let something happen to a command, after which its line may have another one ready.

        With it counts the evidence that was faster than what names its message.
        """
        before = draft.get(key)
        outcome = draft.let(key, self._matching.own(draft, key, given))
        after = outcome.delivery
        if after:
            self._parking.note(key, after, outcome.facts)
            if not isinstance(given, Start | Park):
                self._parking.happened(key, after.channel)
        is_closed = after is not None and after.is_closed
        is_new = before is None or (after is not before and before.is_closed)
        if after and after.command and not is_closed and is_new:
            self._dispatch.join(line_of(after.command), key)
        for delivery in (before, after):
            if delivery and delivery.command:
                line = line_of(delivery.command)
                self._touched[line] = None
                if is_closed:
                    self._dispatch.leave(line, key)
        for fact in outcome.facts:
            if message := message_key(fact.provider_message_id):
                for _, ack in list(self._matching.named(draft, key, fact.attempt, message)):
                    self._let(draft, key, ack)
        return outcome.effects

    def _offer_touched(self, draft: Draft) -> None:
        touched, self._touched = self._touched, {}
        for line in touched:
            for lane in self._ready(draft, line):
                self._dispatch.offer(line, lane)

    def _ready(self, draft: Draft, line: Line) -> dict[Lane, CommandKey]:
        """The first in a line that may be attempted now, unless one before it holds the line.

        Commands with bounds of their own may have to wait for them, and hold up those of their own lane alone: the
        first of each lane that has somebody ready.
        """
        ready: dict[Lane, CommandKey] = {}
        for key in self._dispatch.standing(line):
            delivery = draft.get(key)
            where = turn(delivery, draft.now, draft.schedule) if delivery else Turn.PASSES
            if where is Turn.HOLDS:
                break
            if where is Turn.READY and delivery and delivery.command:
                lane = lane_of(delivery.command)
                ready.setdefault(lane, key)
                if not lane.rule:
                    break
        return ready


def _compare(known: Delivery | None, said: Command) -> None:
    """Say where two commands have one id and are not the same: the first one stands."""
    if known is None or known.command is None or known.command == said:
        return
    names = [name for name in said.__struct_fields__ if getattr(said, name) != getattr(known.command, name)]
    log.warning("command_contradicted", command_id=said.command_id, trace_id=said.trace_id, differs_in=names)


def line_of(command: Command) -> Line:
    """The line that a command stands in."""
    return Line(command.channel, command.contact)
