"""What one step of an outbox would change: seen by the rest of the step, by nobody else before the log has it."""

from datetime import datetime

from schemas.deliveries import DeliveryFact
from streams.deliveries import Delivery
from streams.sending.book import Book, CommandKey, binding, provider_key
from streams.sending.inputs import Input
from streams.sending.machine import Outcome, Send, WakeAt, transition
from streams.sending.schedule import Schedule


class Draft:
    """Transitions on top of a book, with the facts and effects that follow from them."""

    def __init__(self, book: Book, now: datetime, schedule: Schedule) -> None:
        self.now = now
        self.schedule = schedule
        self.facts: list[DeliveryFact] = []
        self.sends: list[tuple[CommandKey, int]] = []
        self.wakes: list[tuple[datetime, CommandKey]] = []
        self.keeps = False
        """Whether evidence was put aside that only the table will have."""
        self.openings: list[tuple[datetime, str]] = []
        self._book = book
        self._changed: dict[CommandKey, Delivery] = {}
        self._bound: dict[bytes, CommandKey] = {}

    def get(self, key: CommandKey) -> Delivery | None:
        """What would be known of a command after this step."""
        return self._changed.get(key) or self._book.get(key)

    def let(self, key: CommandKey, given: Input) -> Outcome:
        """Let something happen to a command."""
        outcome = transition(self.get(key), given, self.now, self.schedule)
        if outcome.facts and outcome.delivery:
            self._changed[key] = outcome.delivery
        for fact in outcome.facts:
            self.facts.append(fact)
            provider = binding(fact)
            if provider and self._book.bound(provider) is None:
                self._bound.setdefault(provider, key)
        for effect in outcome.effects:
            match effect:
                case Send(attempt):
                    self.sends.append((key, attempt))
                case WakeAt(at):
                    self.wakes.append((at, key))
        return outcome

    def bound(self, channel: str | None, message: str) -> CommandKey | None:
        """The command that a message was sent for; without a channel, the one of any channel of this partition."""
        channels = self._book.channels if channel is None else (channel,)
        for each in channels:
            provider = provider_key(each, message)
            if key := self._bound.get(provider) or self._book.bound(provider):
                return key
        return None
