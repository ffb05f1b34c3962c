"""What a proposal makes of the configuration, and why it could not be put in force."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from schemas.configuration import Rule
from schemas.proposals import Proposal
from streams.configuration import Entry, Key, Published
from streams.references import still_named, without_target, without_template
from streams.soundness import fault_of
from streams.topics import CONFIG_RULE, CONFIG_TEMPLATE


def wanted(proposal: Proposal) -> Mapping[Key, Entry | None]:
    """The entries of a proposal by their places; None deletes one."""
    changed: dict[Key, Entry | None] = {}
    changed |= {Key(CONFIG_TEMPLATE, template.id): template for template in proposal.templates}
    changed |= {Key(CONFIG_RULE, rule.id): rule for rule in proposal.rules}
    changed |= {Key(CONFIG_TEMPLATE, name): None for name in proposal.deleted_templates}
    return changed | {Key(CONFIG_RULE, name): None for name in proposal.deleted_rules}


def with_proposal(published: Published, proposal: Proposal) -> Published:
    """What would be in force: each entry of the proposal with the version that it would get."""
    entries = dict(published.entries)
    for key, entry in wanted(proposal).items():
        if entry is None:
            entries.pop(key, None)
        else:
            entries[key] = msgspec.structs.replace(entry, version=published.versions.get(key, 0) + 1)
    return replace(published, entries=entries)


def objections(entries: Mapping[Key, Entry], proposal: Proposal) -> Iterator[tuple[Key, str]]:
    """Why a proposal could not be put in force beside these entries, by what is wrong."""
    changed = wanted(proposal)
    for key, entry in changed.items():
        if entry is not None and (reason := fault_of(entry)) is not None:
            yield key, reason
    after = {key: entry for key, entry in {**entries, **changed}.items() if entry is not None}
    new = {key: entry for key, entry in after.items() if key in changed}
    yield from without_template(new, after.values()).items()
    yield from without_target(new, after.values()).items()
    deleted = [key for key, entry in changed.items() if entry is None and key.topic == CONFIG_TEMPLATE]
    for key in still_named(deleted, after.values()):
        naming = (rule for rule in after.values() if isinstance(rule, Rule) and rule.is_enabled)
        names = ", ".join(sorted(rule.id for rule in naming if rule.template == key.id))
        yield key, f"these rules name it: {names}; give them another template, or disable them"
