"""What would become of events by another configuration than the one in force: event by event, and in sum."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from schemas.commands import Command
from schemas.configuration import Rule, Template
from schemas.events import Action, Event, Kind
from schemas.proposals import Difference, Effect, Ending, Matches
from streams import billing
from streams.configuration import Configuration, Entry, Key
from streams.decisions import Outcome, decide
from streams.routing import RuleSet
from streams.templates import RenderError
from streams.topics import CONFIG_TEMPLATE

SENDING = frozenset({Action.WHATSAPP, Action.AI, Action.HTTP})
"""The actions by which something leaves the hub."""


class Comparison:
    """Takes events one by one and decides about each twice, where the two configurations can differ at all.

    It does what the router does, and nothing of it is carried out.
    """

    def __init__(
        self, now: Configuration, then: Configuration, changed: Mapping[Key, Entry | None], *, most: int
    ) -> None:
        """`changed` is in what the two differ; of the events that end otherwise the last `most` are kept."""
        self._now, self._then = now, then
        self._texts = {key.id for key in changed if key.topic == CONFIG_TEMPLATE}
        self._alone = {rule.id: RuleSet([rule]) for rule in changed.values() if isinstance(rule, Rule)}
        watched = {rule.template for rule in changed.values() if isinstance(rule, Rule) and rule.template}
        watched |= {entry.id for entry in changed.values() if isinstance(entry, Template)}
        self._unknown = {name: set(then.templates.names(name)) - {"event"} for name in watched}
        self._rendered: set[str] = set()
        self._differences: deque[Difference] = deque(maxlen=most)
        self._wins: tuple[Counter[str], Counter[str]] = Counter(), Counter()
        self._fits: Counter[str] = Counter()
        self._before: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.events = self.differing = self.sending = 0
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.effects: Counter[Effect] = Counter()
        self.first_rejection: str | None = None

    def look_at(self, event: Event) -> None:
        """Count an event in."""
        self.events += 1
        self.first_at, self.last_at = self.first_at or event.received_at, event.received_at
        now, then = self._now.choose(event), self._then.choose(event)
        self._count(event, now, then)
        if now is then and (then is None or then.action is not Action.WHATSAPP or then.template not in self._texts):
            return
        before, after = decide(event, self._now), decide(event, self._then)
        self._learn_names(event, after)
        effects = tuple(_effects(before, after))
        if not effects:
            return
        self.differing += 1
        self.effects.update(effects)
        if Effect.REJECTED_MORE in effects and self.first_rejection is None:
            self.first_rejection = after.decision.reason
        self._differences.append(
            Difference(
                event_id=event.event_id,
                trace_id=event.trace_id,
                event_type=event.event_type,
                source_system=event.source_system,
                received_at=event.received_at,
                effects=effects,
                now=_ending(before),
                then=_ending(after),
            )
        )

    def differences(self) -> Sequence[Difference]:
        """The newest events that would end otherwise, the newest first."""
        return tuple(reversed(self._differences))

    def matches(self) -> Mapping[str, Matches]:
        """What each rule of the change takes."""
        now, then = self._wins
        return {
            rule: Matches(now=now[rule], then=then[rule], fits=self._fits[rule], comes_after=dict(self._before[rule]))
            for rule in self._alone
        }

    def unknown_variables(self) -> Mapping[str, Sequence[str]]:
        """Of each template that the change touches and events would be rendered by: the names that none of them has."""
        return {name: sorted(self._unknown[name]) for name in sorted(self._rendered) if self._unknown[name]}

    def _count(self, event: Event, now: Rule | None, then: Rule | None) -> None:
        self.sending += now is not None and now.action in SENDING
        for wins, rule in zip(self._wins, (now, then), strict=True):
            if rule is not None and rule.id in self._alone:
                wins[rule.id] += 1
        for rule_id, alone in self._alone.items():
            if alone.choose(event) is not None:
                self._fits[rule_id] += 1
                if then is not None and then.id != rule_id:
                    self._before[rule_id][then.id] += 1

    def _learn_names(self, event: Event, outcome: Outcome) -> None:
        """Remember what an event gives to the template by which it would be rendered."""
        template = outcome.command.template if outcome.command is not None else None
        if isinstance(outcome.error, RenderError):
            template = outcome.error.template
        if template is None or template not in self._unknown:
            return
        self._rendered.add(template)
        if unknown := self._unknown[template]:
            unknown.difference_update(event.payload, billing.variables(event.payload, None))


def _effects(now: Outcome, then: Outcome) -> Iterator[Effect]:
    sends_now, sends_then = _sends(now), _sends(then)
    if sends_now != sends_then:
        yield Effect.SENDS_MORE if sends_then else Effect.SENDS_LESS
    elif now.command is not None and then.command is not None:
        if _message(now.command) != _message(then.command):
            yield Effect.OTHER_TEXT
        if _terms(now.command) != _terms(then.command):
            yield Effect.OTHER_TERMS
        if now.command.template != then.command.template:
            yield Effect.OTHER_TEMPLATE
    elif now.post is not None and then.post is not None and now.post.target != then.post.target:
        yield Effect.OTHER_TARGET
    if now.decision.rule_id != then.decision.rule_id:
        yield Effect.OTHER_RULE
    if now.decision.action != then.decision.action:
        yield Effect.OTHER_ACTION
    if (now.kind is Kind.REJECTED) != (then.kind is Kind.REJECTED):
        yield Effect.REJECTED_MORE if then.kind is Kind.REJECTED else Effect.REJECTED_LESS


def _sends(outcome: Outcome) -> bool:
    return outcome.kind is Kind.ACCEPTED and outcome.decision.action in SENDING


def _message(command: Command) -> object:
    return command.channel, command.to, command.text


def _terms(command: Command) -> object:
    return command.policy, command.expires_at, command.pace, command.send_window


def _ending(outcome: Outcome) -> Ending:
    command, decision = outcome.command, outcome.decision
    return Ending(
        kind=outcome.kind,
        action=decision.action,
        rule_id=decision.rule_id,
        template=command.template if command else None,
        target=outcome.post.target if outcome.post else None,
        channel=decision.channel,
        to=command.to if command else None,
        text=command.text if command else None,
        reason=decision.reason,
    )
