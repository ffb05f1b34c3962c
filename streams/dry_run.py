"""A proposal tried out on events that were decided already; nothing is done about them."""

from collections.abc import Iterable

import msgspec

from schemas.events import Event
from schemas.proposals import DryRun, Proposal
from streams.comparison import Comparison
from streams.configuration import Configuration, Published
from streams.dangers import dangers
from streams.proposals import wanted, with_proposal


def dry_run(published: Published, proposal: Proposal, events: Iterable[Event], *, most: int) -> DryRun:
    """What would differ from what is in force, in sum and event by event: of the latter the `most` newest."""
    changed = wanted(proposal)
    seen = Comparison(Configuration(published), Configuration(with_proposal(published, proposal)), changed, most=most)
    for event in events:
        seen.look_at(event)
    return DryRun(
        events=seen.events,
        first_at=seen.first_at,
        last_at=seen.last_at,
        differing=seen.differing,
        sending=seen.sending,
        effects=dict(seen.effects),
        rules=seen.matches(),
        unknown_variables=seen.unknown_variables(),
        first_rejection=seen.first_rejection,
        differences=seen.differences(),
        dangers=tuple(dangers(changed, published, seen)),
    )


def confirmed(found: DryRun, given: Iterable[str]) -> DryRun:
    """The same without the dangers that somebody confirmed by their codes."""
    codes = frozenset(given)
    return msgspec.structs.replace(found, dangers=[one for one in found.dangers if one.code not in codes])
