"""`posto migrate`: bring the tables of MySQL up to date."""

import asyncio
import json
from typing import Annotated

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 where something is pending.")] = False,
    seed: Annotated[
        bool, typer.Option("--seed", help="Also fill empty tables: default rules and templates, a demo tenant.")
    ] = False,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Bring the tables of MySQL up to date; running it again is harmless.

    Waits for a MySQL that is still starting, for `--wait` seconds, and for another process that is migrating, as long
    as that takes.

    - `posto migrate` applies what is pending.
    - `posto migrate --check` only says what is.
    - `posto migrate --seed` also gives a fresh database something to start with.
    """
    from infra import migrations, seeds, settings
    from infra.patience import mysql_of, patiently

    loaded = settings.load()
    asyncio.run(patiently(migrations.answers(loaded), wait, mysql_of(loaded)))
    applied = [] if check else asyncio.run(migrations.migrate(loaded))
    seeded = asyncio.run(seeds.seed(loaded)) if seed and not check else []
    known = asyncio.run(migrations.migrations(loaded))
    pending = [migration.name for migration in known if migration.applied_at is None]
    if as_json:
        rows = [{"name": one.name, "applied_at": one.applied_at and f"{one.applied_at.isoformat()}Z"} for one in known]
        typer.echo(json.dumps({"migrations": rows, "applied_now": applied, "seeded": seeded, "pending": pending}))
    else:
        for one in known:
            when = f"applied {one.applied_at:%Y-%m-%d %H:%M:%S} UTC" if one.applied_at else "pending"
            typer.echo(f"{one.name:<32}{when}{'  (now)' if one.name in applied else ''}")
        for table in seeded:
            typer.echo(f"{table:<32}filled")
    if pending:
        raise typer.Exit(1)
