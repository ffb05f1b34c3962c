"""Rules name templates: no rule is put in force without its template, and no template leaves while a rule names it.

They name targets as well: by API and CLI no rule is written without its own.
"""

from collections.abc import Iterable, Iterator, Mapping

from schemas.configuration import Rule, Target, Template
from streams.configuration import Entry, Key


def without_template(authored: Mapping[Key, Entry], kept: Iterable[Entry]) -> dict[Key, str]:
    """The enabled rules whose template is neither authored and enabled nor among what is kept, each with the reason."""
    usable = {entry.id for entry in (*authored.values(), *kept) if isinstance(entry, Template) and entry.is_enabled}
    return {
        key: f"template: {entry.template!r} does not exist or is disabled"
        for key, entry in authored.items()
        if isinstance(entry, Rule) and entry.is_enabled and entry.template and entry.template not in usable
    }


def without_target(authored: Mapping[Key, Entry], kept: Iterable[Entry]) -> dict[Key, str]:
    """The same of the enabled rules that post to a target."""
    usable = {entry.id for entry in (*authored.values(), *kept) if isinstance(entry, Target) and entry.is_enabled}
    return {
        key: f"target: {entry.target!r} does not exist or is disabled"
        for key, entry in authored.items()
        if isinstance(entry, Rule) and entry.is_enabled and entry.target and entry.target not in usable
    }


def still_named(templates: Iterable[Key], rules: Iterable[Entry]) -> dict[Key, str]:
    """The templates among these that enabled rules name, each with the reason why it stays."""
    naming: dict[str, list[str]] = {}
    for rule_id, template in _named(rules):
        naming.setdefault(template, []).append(rule_id)
    return {
        key: f"it was deleted, and stays in force while these rules name it: {', '.join(sorted(naming[key.id]))}"
        for key in templates
        if key.id in naming
    }


def _named(rules: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        if isinstance(rule, Rule) and rule.is_enabled and rule.template:
            yield rule.id, rule.template
