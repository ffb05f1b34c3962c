"""`posto topics`: Kafka's topics, created and shown."""

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait
from streams.topics import DAY_MS

if TYPE_CHECKING:
    from infra.topics import Listed

app = typer.Typer(
    help="Create, change and show Kafka's topics.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.command()
def apply(wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Create the topics that are missing and configure the others; running it again is harmless.

    Partitions, replicas and in-sync replicas come from POSTO_PARTITIONS, POSTO_REPLICATION_FACTOR and
    POSTO_MIN_INSYNC_REPLICAS. The partition count of existing topics is never changed.
    """
    from infra.patience import kafka_of, patiently
    from infra.settings import load
    from infra.topics import apply_topics

    settings = load()
    changes = asyncio.run(patiently(apply_topics(settings), wait, kafka_of(settings)))
    if as_json:
        typer.echo(json.dumps([asdict(change) for change in changes], indent=2))
        return
    for change in changes:
        typer.echo(f"{change.kind:<10} {change.topic:<26} {change.detail}")
    if not changes:
        typer.echo("All topics are as they should be.")


@app.command(name="list")
def list_topics(wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Show every topic of the hub as it is; exit code 1 where one is not as it should be.

    - `posto topics list --json | jq -r '.[] | select(.problems != []) | .topic'` names those.
    """
    from infra import topics
    from infra.patience import kafka_of, patiently
    from infra.settings import load

    settings = load()
    listed = asyncio.run(patiently(topics.list_topics(settings), wait, kafka_of(settings)))
    if as_json:
        typer.echo(json.dumps([asdict(topic) for topic in listed], indent=2))
    else:
        _show(listed)
    if any(topic.problems for topic in listed):
        raise typer.Exit(1)


def _show(listed: "list[Listed]") -> None:
    typer.echo(f"{'topic':<26} {'partitions':>10} {'replicas':>8}  {'cleanup':<14} retention")
    for topic in listed:
        milliseconds = int(topic.config.get("retention.ms", 0))
        retention = "for ever" if milliseconds < 0 else f"{milliseconds / DAY_MS:g} days"
        cleanup = topic.config.get("cleanup.policy", "")
        typer.echo(f"{topic.topic:<26} {topic.partitions:>10} {topic.replicas:>8}  {cleanup:<14} {retention}")
    for problem in (problem for topic in listed for problem in topic.problems):
        typer.echo(problem, err=True)
