"""Where rules, templates and targets are edited, by CLI and by API: one change at a time, each looked at beforehand."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from adapters.mysql import authoring
from adapters.mysql.authoring import Written
from adapters.mysql.pool import Session
from infra.audit import record_change
from infra.authoring.edits import KINDS, Edit
from infra.authoring.errors import ChangedMeanwhileError, DangerousError
from infra.errors import InvalidError
from schemas.configuration import Rule, Template
from schemas.proposals import UNTRIED, DryRun, Proposal
from streams.configuration import Entry, Key
from streams.dry_run import confirmed
from streams.proposals import objections
from streams.publication import digest
from streams.topics import CONFIG_RULE, CONFIG_TARGET, CONFIG_TEMPLATE

_TRIED: Final = frozenset({CONFIG_RULE, CONFIG_TEMPLATE})

TryOut = Callable[[Proposal], Awaitable[DryRun]]


@dataclass(frozen=True)
class Said:
    """Who makes a change, and what they say about it; `confirmed` are the codes of dangers that are meant."""

    actor: str
    reason: str | None = None
    trace_id: str | None = None
    confirmed: frozenset[str] = frozenset()
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Draft:
    """What is about to be written, and the rows that it was made of."""

    before: Mapping[Key, Written | None]
    after: Mapping[Key, Entry | None]

    @property
    def proposal(self) -> Proposal:
        """The same as it is tried out."""
        entries = self.after.items()
        return Proposal(
            rules=tuple(entry for _, entry in entries if isinstance(entry, Rule)),
            templates=tuple(entry for _, entry in entries if isinstance(entry, Template)),
            deleted_rules=tuple(key.id for key, entry in entries if entry is None and key.topic == CONFIG_RULE),
            deleted_templates=tuple(key.id for key, entry in entries if entry is None and key.topic == CONFIG_TEMPLATE),
        )


async def draft(session: Session, edits: Sequence[Edit]) -> Draft:
    """What edits make of the rows as they are; raises what is wrong with it, before anything is looked at or locked."""
    before = {edit.key: await authoring.find(session, edit.key) for edit in edits}
    after = {edit.key: edit.make(before[edit.key]) for edit in edits}
    made = Draft(before, after)
    await _refuse_objections(session, made, lock=False)
    return made


async def look(made: Draft, said: Said, try_out: TryOut) -> DryRun:
    """Try a draft out; DangerousError where something comes of it that is rarely meant, and was not confirmed."""
    if not any(key.topic in _TRIED for key in made.after):
        return UNTRIED
    found = await try_out(made.proposal)
    if confirmed(found, said.confirmed).dangers:
        raise DangerousError(confirmed(found, said.confirmed))
    return found


async def write(session: Session, made: Draft, said: Said, producer: Any) -> dict[Key, Written | None]:
    """Write a draft within a transaction, with who did it as its last statement; the rows as they are then.

    ChangedMeanwhileError where a row is not any more what the draft was made of. What the session's transaction does
    not commit was not done; its record of the audit may then be there all the same.
    """
    for key, former in made.before.items():
        present = await authoring.find(session, key, lock=True)
        if (present and present.etag) != (former and former.etag):
            raise ChangedMeanwhileError(f"Somebody has changed {KINDS[key.topic]} {key.id!r} meanwhile.", present)
    await _refuse_objections(session, made, lock=True)
    changed = {key: entry for key, entry in made.after.items() if _differs(made.before[key], entry)}
    for key, entry in changed.items():
        await authoring.write(session, key, entry, is_new=made.before[key] is None)
    rows = {key: await authoring.find(session, key) for key in made.after}
    for key, entry in changed.items():
        await _record(producer, key, made.before[key], entry, said)
    return rows


async def _refuse_objections(session: Session, made: Draft, *, lock: bool) -> None:
    """InvalidError where what rules name is not there; with `lock`, what they name stays there."""
    entries: dict[Key, Entry] = {}
    for key, entry in made.after.items():
        for place in _named(entry):
            named = await authoring.find(session, place, lock=lock)
            entries |= {place: named.entry} if named and named.entry else {}
        if entry is None and key.topic == CONFIG_TEMPLATE:
            for rule_id in await authoring.naming(session, key.id):
                rule = await authoring.find(session, Key(CONFIG_RULE, rule_id))
                entries |= {rule.key: rule.entry} if rule and rule.entry else {}
    for key, reason in objections(entries, made.proposal):
        field = reason.partition(":")[0] if reason.startswith(("template:", "target:")) else None
        raise InvalidError(
            f"The {KINDS[key.topic]} {key.id!r} cannot be so: {reason}.", f"body.{field}" if field else None
        )


def _named(entry: Entry | None) -> list[Key]:
    """What must be there for a rule to be in force."""
    if not isinstance(entry, Rule) or not entry.is_enabled:
        return []
    named = ((CONFIG_TEMPLATE, entry.template), (CONFIG_TARGET, entry.target))
    return [Key(topic, name) for topic, name in named if name]


def _differs(before: Written | None, after: Entry | None) -> bool:
    """Whether there is anything to be written: to say again what is there makes no version, and no record."""
    return before is None or before.entry is None or after is None or digest(before.entry) != digest(after)


async def _record(producer: Any, key: Key, before: Written | None, after: Entry | None, said: Said) -> None:
    done = "created" if before is None else "deleted" if after is None else "changed"
    fields = [] if before is None or after is None else _changed(before, after)
    await record_change(
        producer,
        actor=said.actor,
        action=f"{KINDS[key.topic]}.{done}",
        subject=f"{KINDS[key.topic]}:{key.id}",
        reason=said.reason,
        trace_id=said.trace_id,
        detail={
            "content": None if after is None else digest(after),
            "fields": fields,
            "confirmed": sorted(said.confirmed),
            **(said.detail or {}),
        },
    )


def _changed(before: Written, after: Entry) -> list[str]:
    return [name for name, value in before.fields.items() if msgspec.to_builtins(getattr(after, name)) != value]
