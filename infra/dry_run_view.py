"""How a dry run looks to people."""

from collections.abc import Iterator

import msgspec

from infra.logging import mask_phones
from schemas.proposals import Difference, DryRun, Effect, Ending

_EFFECTS = {
    Effect.SENDS_MORE: "something would be sent where nothing is now",
    Effect.SENDS_LESS: "nothing would be sent where something is now",
    Effect.OTHER_TEXT: "another text, or to somebody else",
    Effect.OTHER_TERMS: "the same text on other terms (pace, window, time to live)",
    Effect.OTHER_TARGET: "posted to another target",
    Effect.OTHER_TEMPLATE: "by another template",
    Effect.OTHER_RULE: "by another rule",
    Effect.OTHER_ACTION: "another action",
    Effect.REJECTED_MORE: "rejected where it is carried out now",
    Effect.REJECTED_LESS: "carried out where it is rejected now",
}


def discreet(found: DryRun) -> DryRun:
    """The same with phones masked and without texts."""
    return msgspec.structs.replace(found, differences=[_discreet(one) for one in found.differences])


def told(found: DryRun) -> Iterator[str]:
    """A dry run, line by line: the sums, the dangers, then event by event."""
    if not found.events:
        yield "No event was decided yet: there is nothing to try it out on."
    else:
        when = f"{found.first_at:%Y-%m-%d %H:%M} to {found.last_at:%Y-%m-%d %H:%M} UTC"
        yield f"{found.differing:,} of the last {found.events:,} events would end otherwise ({when}). Nothing was done."
    for effect in Effect:
        if count := found.effects.get(effect):
            yield f"  {effect:<14} {count:>9,}  {_EFFECTS[effect]}"
    for rule_id, matches in found.rules.items():
        yield f"rule {rule_id} takes {matches.then:,} (now {matches.now:,}) of {matches.fits:,} that fit"
    for danger in found.dangers:
        yield f"! {danger.code} {danger.subject}: {danger.message}"
    for one in found.differences:
        yield f"{one.received_at:%Y-%m-%d %H:%M:%S} {one.event_type} {one.event_id}: {', '.join(one.effects)}"
        yield f"  now  {_ending(one.now)}"
        yield f"  then {_ending(one.then)}"
    if found.differing > len(found.differences):
        yield f"These are the newest {len(found.differences):,}; --show says how many are shown."


def _discreet(one: Difference) -> Difference:
    return msgspec.structs.replace(one, now=_without_text(one.now), then=_without_text(one.then))


def _without_text(ending: Ending) -> Ending:
    return msgspec.structs.replace(
        ending,
        to=ending.to and mask_phones(ending.to),
        text=ending.text and f"({len(ending.text)} characters)",
        reason=ending.reason and mask_phones(ending.reason),
    )


def _ending(ending: Ending) -> str:
    said = [f"{ending.kind} {ending.action}"]
    said += [f"by {ending.rule_id}"] if ending.rule_id else []
    said += [f"template {ending.template}"] if ending.template else []
    said += [f"target {ending.target}"] if ending.target else []
    said += [f"to {ending.to}"] if ending.to else []
    said += [" / ".join(ending.text.splitlines())] if ending.text else []
    said += [ending.reason] if ending.reason else []
    return ", ".join(said)
