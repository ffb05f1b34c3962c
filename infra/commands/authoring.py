"""What the commands that change rules, templates and targets have in common."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import typer

from adapters.mysql.pool import Session
from infra import dry_run_view
from infra.audit import actor_of
from infra.authoring.desk import Said
from infra.authoring.edits import KINDS, Edit, known, replacement
from infra.authoring.errors import ChangedMeanwhileError, DangerousError
from infra.authoring.history import Version, history, restorable
from infra.authoring.saving import Saved, drafted, save
from infra.context import opened
from infra.dry_run import try_out
from infra.errors import InvalidError
from infra.patience import kafka_of, mysql_of, patiently
from infra.settings import Settings, load
from schemas.proposals import LISTED, LOOKED_AT, DryRun, Proposal
from streams.configuration import Key

T = TypeVar("T")

_IN_FORCE_SECONDS: Final = 5.0
"""How long it is waited for until what was saved is in force."""

Edits = Callable[[Session], Coroutine[Any, Any, Sequence[Edit]]]
"""Says which edits are wanted, by what is written."""


class Change(msgspec.Struct, kw_only=True, frozen=True):
    """A change as the command line says it (`infra.commands.options`)."""

    by: str | None = None
    why: str | None = None
    confirm: Sequence[str] = ()
    if_match: str | None = None
    is_dry: bool = False
    last: int = LOOKED_AT
    show: int = LISTED
    show_personal: bool = False
    wait: float = 30.0
    as_json: bool = False


def these(*wanted: Edit) -> Edits:
    """Edits that are known beforehand."""

    async def edits(_: Session) -> Sequence[Edit]:
        return wanted

    return edits


def restored(key: Key, version: int) -> Edits:
    """The edit that writes an older version again."""

    async def edits(session: Session) -> Sequence[Edit]:
        return [replacement(key, restorable(await history(load(), session, key), version))]

    return edits


def carry_out(edits: Edits, change: Change) -> None:
    """Make a change, or try it out, and print what came of it; exit code 4 where it is saved and not in force yet."""
    from infra.commands.publish import NOT_IN_FORCE

    settings = load()
    done = run(_carried_out(settings, edits, change), change.wait + _IN_FORCE_SECONDS, settings)
    if isinstance(done, DryRun):
        shown = done if change.show_personal else dry_run_view.discreet(done)
        if change.as_json:
            typer.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
        else:
            typer.echo("\n".join(dry_run_view.told(shown)))
        return
    if change.as_json:
        typer.echo(json.dumps([_as_json(done, key) for key in done.rows], ensure_ascii=False, indent=2))
    else:
        for key, row in done.rows.items():
            version = f", version {done.reached.versions[key]}" if key in done.reached.versions else ""
            what = "deleted" if row is None else "saved"
            typer.echo(f"{KINDS[key.topic].capitalize()} {key.id} {what}{version}.")
        differing = f"{done.found.differing:,} of the last {done.found.events:,} events would have ended otherwise."
        typer.echo(f"{done.reached} {differing}" if done.found.events else str(done.reached))
    if done.reached.in_force is None or done.reached.in_force.waiting_for:
        raise typer.Exit(NOT_IN_FORCE)


def run(work: Coroutine[Any, Any, T], wait: float, settings: Settings) -> T:
    """The result of work that needs MySQL and Kafka; GaveUpError where they do not answer."""
    return asyncio.run(patiently(work, wait, f"{kafka_of(settings)} or {mysql_of(settings)}"))


async def _carried_out(settings: Settings, edits: Edits, change: Change) -> DryRun | Saved:
    async def look(proposal: Proposal) -> DryRun:
        return await try_out(settings, proposal, last=change.last, most=change.show)

    def check(rows: Any) -> None:
        for key, row in rows.items():
            if change.if_match is not None and (row is None or row.etag != change.if_match):
                raise ChangedMeanwhileError(_overtaken(key, row), row)

    async with opened(settings, change.wait) as context:
        async with context.db.session() as session:
            wanted = await edits(session)
        if change.is_dry:
            return await look((await drafted(context, wanted, check)).proposal)
        said = Said(actor_of(change.by), change.why, confirmed=frozenset(change.confirm))
        try:
            return await save(context, wanted, said, look, wait=_IN_FORCE_SECONDS, check=check)
        except DangerousError as error:
            codes = " ".join(f"--confirm {danger.code}" for danger in error.found.dangers)
            raise InvalidError(f"{error} ({codes}; --dry-run shows the events.)") from None
        except ChangedMeanwhileError as error:
            key = next(iter(wanted)).key
            raise ChangedMeanwhileError(_overtaken(key, error.current), error.current) from None


def _overtaken(key: Key, row: Any) -> str:
    now = (
        "it was deleted" if row is None else f"now it is {json.dumps(row.fields, ensure_ascii=False)}, etag {row.etag}"
    )
    return f"Somebody has changed {KINDS[key.topic]} {key.id!r} meanwhile: {now}. Nothing was changed."


def _as_json(done: Saved, key: Key) -> dict[str, Any]:
    row, reached = done.rows[key], done.reached
    return {
        "id": key.id,
        "fields": None if row is None else row.fields,
        "etag": None if row is None else row.etag,
        "version": reached.versions.get(key),
        "in_force": msgspec.to_builtins(reached.in_force),
        "problem": reached.problem,
    }


def show(key: Key, wait: float, *, as_json: bool) -> None:
    """Print the row of an entry, with its etag."""
    from adapters.mysql.authoring import find

    settings = load()

    async def look() -> Any:
        async with opened(settings, wait) as context, context.db.session() as session:
            return known(key, await find(session, key))

    row = run(look(), wait, settings)
    if as_json:
        typer.echo(json.dumps({**row.fields, "etag": row.etag, "fault": row.fault}, ensure_ascii=False, indent=2))
        return
    for name, value in row.fields.items():
        if value is not None and name != "body":
            typer.echo(f"{name:<14} {json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value}")
    typer.echo(f"{'etag':<14} {row.etag}\n{'changed':<14} {row.updated_at:%Y-%m-%d %H:%M:%S} UTC")
    if row.fault:
        typer.echo(f"{'ignored':<14} {row.fault}")
    if "body" in row.fields:
        typer.echo(f"\n{row.fields['body']}")


def show_history(key: Key, wait: float, *, as_json: bool) -> None:
    """Print the versions of an entry, the newest first."""
    settings = load()

    async def look() -> list[Version]:
        async with opened(settings, wait) as context, context.db.session() as session:
            return await history(settings, session, key)

    versions = run(look(), wait, settings)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(versions)).decode())
        return
    typer.echo(f"{'version':>7}  {'published (UTC)':<19}  {'by':<20} what")
    for one in versions:
        what = "deleted" if one.entry is None else ", ".join(one.fields) or "created"
        why = f": {one.reason}" if one.reason else ""
        typer.echo(f"{one.version:>7}  {one.at:%Y-%m-%d %H:%M:%S}  {one.by or 'plain SQL':<20} {what}{why}")


def text_of(path: Path) -> str:
    """The text of a file; `-` is stdin."""
    return typer.get_text_stream("stdin").read() if str(path) == "-" else path.read_text("utf-8")
