"""`posto publish`: the configuration in MySQL, put in force now."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait

if TYPE_CHECKING:
    from infra.configuration import Outcome
    from infra.settings import Settings
    from infra.workers import InForce

PUBLISHED_WITH_FAULTS = 3
NOT_IN_FORCE = 4


def publish(
    force: Annotated[
        bool, typer.Option("--force", help="Publish also where whole tables lost their rows: it is meant.")
    ] = False,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Publish what is in MySQL's tenants, channels, templates and rules, and not in force yet.

    The workers do the same by themselves, within two seconds; this does it at once, waits until it is in force in every
    live worker, and says what it did. Exit code 4 where a worker has not applied it after --wait seconds.

    - `posto publish` publishes what differs; exit code 3 where a row makes no sense and is ignored.
    - `posto publish --force` does so even where a table lost all of its rows, as after a restore or with a wrong
      MYSQL_DSN; that is refused otherwise.
    - `posto publish --wait 600` waits ten minutes for a Kafka or MySQL that is still starting.
    """
    from infra.configuration import refused_messages
    from infra.settings import load
    from infra.workers import told

    outcome, reached = asyncio.run(_publish(load(), force, wait))
    for line in refused_messages(outcome):
        typer.echo(line, err=True)
    done = [
        {"topic": item.key.topic, "id": item.key.id, "version": item.version, "deleted": item.entry is None}
        for item in outcome.publications
    ]
    if as_json:
        typer.echo(json.dumps(done, indent=2))
    elif not done:
        typer.echo("All that MySQL says is published.")
    else:
        for item in done:
            what = "deleted" if item["deleted"] else f"version {item['version']}"
            typer.echo(f"{item['topic']:<16} {item['id']:<32} {what}")
    if not as_json:
        typer.echo(told(reached))
    if outcome.faults:
        raise typer.Exit(PUBLISHED_WITH_FAULTS)
    if reached.waiting_for:
        raise typer.Exit(NOT_IN_FORCE)


async def _publish(settings: "Settings", force: bool, wait: float) -> "tuple[Outcome, InForce]":
    from infra.configuration import publish_configuration
    from infra.patience import kafka_of, mysql_of, patiently
    from infra.workers import known_workers

    away = f"{kafka_of(settings)} or {mysql_of(settings)}"
    outcome = await patiently(publish_configuration(settings, force=force), wait, away)
    async with known_workers(settings) as workers:
        return outcome, await workers.in_force(outcome.positions, wait)
