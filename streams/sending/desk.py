"""What a step of an outbox decides: lets inputs happen, keeps each contact's order, and starts what may be sent.

It does no I/O and does not wait: all that it decides goes into a draft.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from schemas.commands import Command
from schemas.deliveries import Evidence
from schemas.events import Coordinates
from streams.identity import message_key
from streams.sending.book import CommandKey, command_key
from streams.sending.dispatch import Dispatch, Line
from streams.sending.draft import Draft
from streams.sending.inputs import Answer, Decide, Input, Replay, Start, Take, Wake
from streams.sending.machine import Send
from streams.sending.matching import Matching
from streams.sending.turns import Turn, turn


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of evidence, and where its record lies; `command` where its text had to be looked up for it."""

    evidence: Evidence
    where: Coordinates
    command: Command | None = None


Incoming: TypeAlias = Take | Replay | Found
"""What comes in from the partition's topics."""


class Desk:
    """The commands of one partition in their lines, and the evidence that waits for one of them."""

    def __init__(self, dispatch: Dispatch, matching: Matching) -> None:
        self._dispatch = dispatch
        self._matching = matching
        self._touched: dict[Line, None] = {}

    def restore(self, key: CommandKey, command: Command) -> None:
        """Put a command into its line that a former owner had taken; the oldest first."""
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
                for key, heard in self._matching.heard(draft, given.evidence, given.where):
                    if isinstance(heard, Decide):
                        heard = replace(heard, command=given.command)
                    self._let(draft, key, heard)
            else:
                self._let(draft, command_key(given.command.command_id), given)

    def answered(self, draft: Draft, key: CommandKey, line: Line, answer: Answer) -> None:
        """A request ended: its answer counts, and its line goes on."""
        self._dispatch.done(line)
        self._touched[line] = None
        self._let(draft, key, answer)

    def wake(self, draft: Draft, keys: Iterable[CommandKey]) -> None:
        """The moments have come that these commands waited for."""
        for key in keys:
            self._let(draft, key, Wake())

    def start(self, draft: Draft) -> None:
        """Start the attempts that are due, as far as there is room."""
        self._offer_touched(draft)
        while line := self._dispatch.take():
            key = self._ready(draft, line)
            effects = self._let(draft, key, Start()) if key else ()
            if not any(isinstance(effect, Send) for effect in effects):
                self._dispatch.done(line)
                self._offer_touched(draft)

    def _let(self, draft: Draft, key: CommandKey, given: Input) -> tuple[object, ...]:
        """Let something happen to a command, after which its line may have another one ready.

        With it counts the evidence that was faster than what names its message.
        """
        before = draft.get(key)
        outcome = draft.let(key, self._matching.own(draft, key, given))
        after = outcome.delivery
        if after and after.command and not after.is_closed and (before is None or before.is_closed):
            self._dispatch.join(line_of(after.command), key)
        for delivery in (before, after):
            if delivery and delivery.command:
                line = line_of(delivery.command)
                self._touched[line] = None
                if after and after.is_closed:
                    self._dispatch.leave(line, key)
        for fact in outcome.facts:
            if message := message_key(fact.provider_message_id):
                for _, ack in list(self._matching.named(draft, key, fact.attempt, message)):
                    self._let(draft, key, ack)
        return outcome.effects

    def _offer_touched(self, draft: Draft) -> None:
        touched, self._touched = self._touched, {}
        for line in touched:
            if self._ready(draft, line):
                self._dispatch.offer(line)

    def _ready(self, draft: Draft, line: Line) -> CommandKey | None:
        """The first in a line that may be attempted now, unless one before it holds the line."""
        for key in self._dispatch.standing(line):
            delivery = draft.get(key)
            where = turn(delivery, draft.now, draft.schedule) if delivery else Turn.PASSES
            if where is not Turn.PASSES:
                return key if where is Turn.READY else None
        return None


def line_of(command: Command) -> Line:
    """The line that a command stands in."""
    return Line(command.channel, command.contact)
