"""What `list` shows of the authored entries of one topic, whatever they are."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import msgspec
import typer

from infra.in_force import read_in_force, read_standings
from infra.settings import load
from streams.configuration import Published
from streams.standing import Standing


def show(
    topic: str,
    wait: float,
    *,
    as_json: bool,
    listed: Callable[[Sequence[Standing], Published], Iterable[str]],
) -> None:
    """Print the entries with their states, as JSON or line by line; exit code 1 where one makes no sense."""
    settings = load()
    published = asyncio.run(read_in_force(settings, wait))
    standings = asyncio.run(read_standings(settings, topic, published, wait))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(standings)).decode())
    else:
        for line in listed(standings, published):
            typer.echo(line)
    if any(standing.reason for standing in standings):
        raise typer.Exit(1)
