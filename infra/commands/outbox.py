"""`posto outbox`: events that a producer's transactions wrote into its own database, on their way to the hub."""

import asyncio
import json
from typing import Annotated

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.callback()
def outbox() -> None:
    """Relay a transactional outbox: an event is sent if and only if the producer's transaction took place.

    - `posto outbox ddl | mysql shop` makes the table in a producer's database.
    - `POSTO_OUTBOX_DSN=mysql://relay:...@db/shop posto outbox relay` sends what is written into it.
    - `posto outbox show` says what waits there, and what was refused and why.
    """


@app.command()
def ddl() -> None:
    """Print the table that a producer's database needs; running it again is harmless."""
    from adapters.mysql.outbox import DDL

    typer.echo(DDL, nl=False)


@app.command()
def relay(
    edge: Annotated[
        str | None, typer.Option("--edge", metavar="URL", help="To this edge, instead of straight to Kafka.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Send what waits now, and end.")] = False,
) -> None:
    """Send what waits in the outbox of POSTO_OUTBOX_DSN: at least once, in the order of its ids.

    Start several: one works, and another takes over when it ends. While the database or the hub is away it waits.

    - `posto outbox relay` runs until SIGTERM; `curl 127.0.0.1:9201/metrics` has its counts.
    - `posto outbox relay --edge https://posto.example` needs EVENT_INGESTION_SECRET, and no way to Kafka.
    - `posto outbox relay --once` is for a timer, or for a try.
    """
    from infra.outbox import process
    from infra.settings import load

    settings = load()
    if once:
        typer.echo(f"rows settled: {asyncio.run(process.relay_once(settings, edge))}")
    else:
        process.serve(settings, edge)


@app.command()
def show(wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Say how many rows are in each state, and why the last ones were refused. Exit code 1 where any were.

    - `posto outbox show --json | jq .refused` is for scripts.
    """
    from infra.outbox import process
    from infra.patience import patiently
    from infra.settings import load

    settings = load()
    where = f"MySQL at {settings.outbox.host}:{settings.outbox.port}"
    states, refused = asyncio.run(patiently(process.look(settings), wait, where))
    if as_json:
        listed = {"states": [one._asdict() for one in states], "refused": [one._asdict() for one in refused]}
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=2))
    else:
        for state in states:
            typer.echo(f"{state.state:<9}{state.number:>9}   the oldest of {state.age:.0f} s ago")
        for row in refused:
            typer.echo(f"\nrow {row.id} was refused: {row.reason}")
    if refused:
        raise typer.Exit(1)
