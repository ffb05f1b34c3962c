"""What about a proposal must be meant, for it is rarely meant: it is not saved unless somebody confirms it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from schemas import event_types
from schemas.configuration import Rule
from schemas.events import Action
from schemas.proposals import Danger, DangerCode, Effect, Matches
from streams.comparison import Comparison
from streams.configuration import Entry, Key, Published
from streams.http_actions import ACTIONS
from streams.keys import GATEWAY
from streams.patterns import Pattern, PatternError
from streams.topics import CONFIG_TEMPLATE

_ANSWERING: Final = frozenset({Action.WHATSAPP, *ACTIONS})
"""The actions from which a message may come to whoever wrote."""

FEW: Final = 50
"""So many messages more are nobody's surprise, as long as they do not double what is sent."""


def dangers(changed: Mapping[Key, Entry | None], published: Published, seen: Comparison) -> Iterator[Danger]:
    """What is dangerous about a change of what is published, by the events that were compared."""
    for key, entry in changed.items():
        if isinstance(entry, Rule) and _is_for_everyone(entry) and not _is_for_everyone(published.entries.get(key)):
            yield _everyone(key, entry)
    more = seen.effects[Effect.SENDS_MORE] - seen.effects[Effect.SENDS_LESS]
    if more >= max(FEW, seen.sending):
        yield _far_more(changed, seen, more)
    matches = seen.matches()
    for key, entry in changed.items():
        if not isinstance(entry, Rule) or not seen.events or matches[entry.id].then:
            continue
        if _is_aimed(entry, published.entries.get(key)):
            yield _nothing(key, matches[entry.id], seen.events)
    unknown = seen.unknown_variables()
    for name, variables in unknown.items():
        message = (
            f"No event of the last {seen.events:,} that it would be rendered for has {_listed(variables)}: without "
            "a value, the message becomes a dead letter."
        )
        yield Danger(code=DangerCode.UNKNOWN_VARIABLE, subject=str(Key(CONFIG_TEMPLATE, name)), message=message)
    if (rejected := seen.effects[Effect.REJECTED_MORE]) and not unknown:
        message = f"{rejected:,} of the last {seen.events:,} events would be rejected that are not now: "
        yield Danger(
            code=DangerCode.REJECTS, subject=_subjects(changed), message=f"{message}{seen.first_rejection or '?'}."
        )


def _is_for_everyone(entry: Entry | None) -> bool:
    """Whether a rule answers everybody who writes, without looking at what it is about."""
    if not isinstance(entry, Rule) or not entry.is_enabled or entry.action not in _ANSWERING or entry.conditions:
        return False
    try:
        pattern = Pattern.parse(entry.event_type)
    except PatternError:
        return False
    return entry.source_system in {None, GATEWAY} and pattern.fits(event_types.INBOUND_MESSAGE)


def _everyone(key: Key, rule: Rule) -> Danger:
    does = "sends a message for" if rule.action is Action.WHATSAPP else "posts to its target, which may answer it,"
    message = (
        f"It {does} every event that {rule.event_type} fits, without a condition: among them all that anybody writes "
        "to any channel."
    )
    return Danger(code=DangerCode.SENDS_TO_EVERYONE, subject=str(key), message=message)


def _far_more(changed: Mapping[Key, Entry | None], seen: Comparison, more: int) -> Danger:
    message = (
        f"Of the last {seen.events:,} events {more:,} more would send something than now, where the rules in force "
        f"send for {seen.sending:,}."
    )
    return Danger(code=DangerCode.SENDS_FAR_MORE, subject=_subjects(changed), message=message)


def _is_aimed(rule: Rule, former: Entry | None) -> bool:
    """Whether a rule is to take effect, and on other events than it did."""
    return rule.is_enabled and not (isinstance(former, Rule) and former.is_enabled and _aim(former) == _aim(rule))


def _aim(rule: Rule) -> object:
    return rule.event_type, rule.source_system, rule.conditions


def _nothing(key: Key, matches: Matches, events: int) -> Danger:
    if matches.fits:
        before = _listed(f"{rule} ({count:,})" for rule, count in matches.comes_after.items())
        why = f"it fits {matches.fits:,} of the last {events:,} events, and other rules come before it: {before}"
    else:
        why = f"none of the last {events:,} events fits its event type, source and conditions"
    return Danger(code=DangerCode.MATCHES_NOTHING, subject=str(key), message=f"It would apply to nothing: {why}.")


def _subjects(changed: Mapping[Key, Entry | None]) -> str:
    return _listed(map(str, changed))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
