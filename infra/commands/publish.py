"""`posto publish`: the configuration in MySQL, put in force now."""

import asyncio
import json
from typing import Annotated

import typer


def publish(
    force: Annotated[
        bool, typer.Option("--force", help="Publish also where whole tables lost their rows: it is meant.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for scripts.")] = False,
) -> None:
    """Publish what is in MySQL's tenants, channels, templates and rules, and not in force yet.

    The workers do the same by themselves, within two seconds; this does it at once, and says what it did.

    - `posto publish` publishes what differs; exit code 1 where a row makes no sense and is ignored.
    - `posto publish --force` does so even where a table lost all of its rows, as after a restore or with a wrong
      MYSQL_DSN; that is refused otherwise.
    """
    from infra.configuration import publish_configuration
    from infra.settings import load

    outcome = asyncio.run(publish_configuration(load(), force=force))
    for key, reason in outcome.faults.items():
        typer.echo(f"The row of {key} is ignored: {reason}.", err=True)
    done = [
        {"topic": item.key.topic, "id": item.key.id, "version": item.version, "deleted": item.entry is None}
        for item in outcome.publications
    ]
    if as_json:
        typer.echo(json.dumps(done, indent=2))
    elif not done:
        typer.echo("All that MySQL says is in force.")
    else:
        for item in done:
            what = "deleted" if item["deleted"] else f"version {item['version']}"
            typer.echo(f"{item['topic']:<16} {item['id']:<32} {what}")
    if outcome.faults:
        raise typer.Exit(1)
