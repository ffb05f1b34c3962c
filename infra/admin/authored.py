"""What the routes of rules and of templates have in common: one way from a request to a change that is in force."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Response
from pydantic import BaseModel

from adapters.edge.problems import ProblemError
from adapters.mysql.authoring import Written, find, page
from adapters.mysql.pool import Session
from infra.admin import cursors
from infra.admin.access import Operator
from infra.admin.etags import IfMatch
from infra.admin.kinds import CHANGED, DANGEROUS
from infra.admin.once import Once
from infra.authoring.desk import Draft, Said, look, write
from infra.authoring.edits import Edit, deletion, known, replacement
from infra.authoring.errors import ChangedMeanwhileError, DangerousError
from infra.authoring.history import Version, history, restorable
from infra.authoring.reach import Reached
from infra.authoring.saving import drafted, reach, save
from infra.context import Context
from infra.errors import OperatorError
from infra.in_force import standing_of
from schemas.admin.authored import AuthoredFilter, Changing, Deleted, InForceShown, StandingShown, VersionShown
from schemas.admin.pages import Listing, Page
from schemas.admin.rules import RuleShown
from schemas.admin.targets import TargetShown
from schemas.admin.templates import TemplateShown
from schemas.api import WrongField
from streams import topics
from streams.configuration import Key

ShownT = TypeVar("ShownT", RuleShown, TemplateShown, TargetShown)
_NAMES: Final = {topics.CONFIG_RULE: "rules", topics.CONFIG_TEMPLATE: "templates", topics.CONFIG_TARGET: "targets"}


def shown(written: Written) -> RuleShown | TemplateShown | TargetShown:
    """A row as it is answered."""
    match written.key.topic:
        case topics.CONFIG_RULE:
            return _as(RuleShown, written)
        case topics.CONFIG_TARGET:
            return _as(TargetShown, written)
        case _:
            return _as(TemplateShown, written)


async def listed(context: Context, topic: str, kind: type[ShownT], wanted: AuthoredFilter) -> Page[ShownT]:
    """A page of rows, by their ids."""
    name = _NAMES[topic]
    after = cursors.position(name, wanted, str) or ""
    async with context.db.session() as session:
        rows = await page(session, topic, after, wanted.limit + 1, wanted.text)
    items = [_as(kind, row) for row in rows[: wanted.limit]]
    return cursors.page(name, wanted, items, rows[wanted.limit - 1].key.id if len(rows) > wanted.limit else None)


async def one(context: Context, key: Key, kind: type[ShownT], response: Response) -> ShownT:
    """One row, with its ETag."""
    async with context.db.session() as session:
        return _tagged(_as(kind, known(key, await find(session, key))), response)


async def create(
    context: Context,
    once: Once,
    edit: Edit,
    body: BaseModel,
    kind: type[ShownT],
    operator: Operator,
    changing: Changing,
    response: Response,
) -> ShownT:
    """Make what is new, once, and bring it into force."""
    said = _said(operator, changing)
    producer = await context.producer()
    prepared = await _prepared(context, edit, said)

    async def make(session: Session) -> ShownT:
        if isinstance(prepared, Exception):
            raise prepared
        rows = await write(session, prepared, said, producer)
        return _as(kind, known(edit.key, rows[edit.key]))

    created = await once.run(body, kind, make)
    return _tagged(_reached(created, edit.key, await reach(context, [edit.key], changing.wait)), response)


async def change(
    context: Context,
    matching: IfMatch,
    edit: Edit,
    kind: type[ShownT],
    operator: Operator,
    changing: Changing,
    response: Response,
) -> ShownT:
    """Change what is there, and bring it into force."""
    rows, reached = await _saved(context, [edit], operator, changing, _check(matching))
    return _tagged(_reached(_as(kind, known(edit.key, rows[edit.key])), edit.key, reached), response)


async def delete(context: Context, matching: IfMatch, key: Key, operator: Operator, changing: Changing) -> Deleted:
    """Delete what is there, and bring that into force."""
    _, reached = await _saved(context, [deletion(key)], operator, changing, _check(matching))
    return Deleted(id=key.id, in_force=in_force_shown(key, reached))


async def restore(
    context: Context,
    matching: IfMatch,
    key: Key,
    version: int,
    kind: type[ShownT],
    operator: Operator,
    changing: Changing,
    response: Response,
) -> ShownT:
    """Write an older version again; where there is a row now, it must be the one that the caller saw."""
    async with context.db.session() as session:
        entry = restorable(await history(context.settings, session, key), version)
    edit = replacement(key, entry)
    return await change(context, matching, edit, kind, operator, changing, response)


async def arrange(
    context: Context, edits: Sequence[Edit], etags: Mapping[Key, str], operator: Operator, changing: Changing
) -> list[RuleShown]:
    """Change several rules at once, each as the caller saw it."""

    def check(rows: Mapping[Key, Written | None]) -> None:
        for key, row in rows.items():
            if row is not None and f'"{row.etag}"' != etags[key]:
                raise ChangedMeanwhileError(f"Somebody has changed rule {key.id!r} since you read it.", row)

    rows, reached = await _saved(context, edits, operator, changing, check)
    return [_reached(_as(RuleShown, known(key, row)), key, reached) for key, row in rows.items()]


async def versions(context: Context, key: Key, wanted: Listing) -> Page[VersionShown]:
    """A page of what an entry was, the newest first."""
    name = f"history of {key}"
    before = cursors.position(name, wanted, int)
    async with context.db.session() as session:
        found = await history(context.settings, session, key)
    rest = [version for version in found if before is None or version.version < before]
    items = [_version(version) for version in rest[: wanted.limit]]
    return cursors.page(name, wanted, items, items[-1].version if len(rest) > wanted.limit else None)


async def standing(context: Context, key: Key) -> StandingShown:
    """Where an entry is between MySQL and the workers."""
    publisher, workers = await context.publisher(), await context.workers()
    found, positions = await standing_of(context.db, publisher, key)
    reached = Reached({}, await workers.in_force(positions, 0))
    version = found.entry.version if found.entry else None
    return StandingShown(
        id=key.id,
        state=found.state,
        version=version or None,
        reason=found.reason,
        in_force=in_force_shown(key, reached),
    )


async def _prepared(context: Context, edit: Edit, said: Said) -> Draft | Exception:
    """What is to be written, or why it is not, unless the same request has written it before."""
    try:
        made = await drafted(context, [edit])
        await look(made, said, context.laboratory.try_out)
    except OperatorError as error:
        return _problem(error)
    return made


async def _saved(
    context: Context, edits: Sequence[Edit], operator: Operator, changing: Changing, check: Any
) -> tuple[Mapping[Key, Written | None], Reached]:
    said = _said(operator, changing)
    try:
        saved = await save(context, edits, said, context.laboratory.try_out, wait=changing.wait, check=check)
    except OperatorError as error:
        raise _problem(error) from None
    return saved.rows, saved.reached


def _version(version: Version) -> VersionShown:
    entry = version.entry
    whole = entry and {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "version"}
    return VersionShown.model_validate({**msgspec.to_builtins(version), "entry": whole})


def _check(matching: IfMatch) -> Any:
    def check(rows: Mapping[Key, Written | None]) -> None:
        for row in rows.values():
            if row is not None:
                matching.check(f'"{row.etag}"', shown(row))

    return check


def _problem(error: OperatorError) -> Exception:
    """What an error says to the caller, with what there is now, or all that has to be confirmed."""
    match error:
        case ChangedMeanwhileError(current=current) if current is not None:
            return ProblemError(CHANGED, str(error), current=shown(current), headers={"etag": f'"{current.etag}"'})
        case DangerousError(found=found):
            wrong = [
                WrongField(field=f"query.confirm.{danger.code}", message=f"{danger.subject}: {danger.message}")
                for danger in found.dangers
            ]
            return ProblemError(DANGEROUS, str(error), errors=wrong)
    return error


def _said(operator: Operator, changing: Changing) -> Said:
    return Said(operator.name, changing.reason, operator.trace_id, frozenset(changing.confirm))


def _as(kind: type[ShownT], row: Written) -> ShownT:
    around = {"etag": f'"{row.etag}"', "created_at": row.created_at, "updated_at": row.updated_at, "fault": row.fault}
    return kind.model_validate({**row.fields, "name": row.key.id, **around})


def _reached(answer: ShownT, key: Key, reached: Reached) -> ShownT:
    return answer.model_copy(update={"in_force": in_force_shown(key, reached)})


def in_force_shown(key: Key, reached: Reached) -> InForceShown:
    """How far a change of an entry has come."""
    found = reached.in_force
    return InForceShown(
        is_everywhere=found is not None and found.is_everywhere,
        version=reached.versions.get(key),
        workers=found.workers if found else 0,
        waiting_for=list(found.waiting_for) if found else [],
        seconds=found.seconds if found else 0.0,
        problem=reached.problem,
    )


def _tagged(answer: ShownT, response: Response) -> ShownT:
    response.headers["etag"] = answer.etag
    return answer
