"""`posto channels`: what waits for a channel that nobody owns."""

import asyncio
from typing import TYPE_CHECKING

import typer

from infra.commands.options import AsJson

if TYPE_CHECKING:
    from infra.quarantine import HeldChannel

app = typer.Typer(
    help="Show the channels that events wait for.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.callback()
def channels() -> None:
    """Show the channels that events wait for."""


@app.command()
def quarantine(as_json: AsJson = False) -> None:
    """List the channels that belong to no tenant and have events waiting, the longest waiting first.

    Nothing of them is routed. Register the channel (a row in `tenant_message_channels`) and what waits is released by
    itself, in order; `posto trace` then shows each event with its decision.

    - `posto channels quarantine` shows how many events wait, of what types, and since when.
    """
    import msgspec

    from infra.quarantine import find
    from infra.settings import load

    held = asyncio.run(find(load()))
    if as_json:
        typer.echo(msgspec.json.encode(held).decode())
    elif held:
        _show(held)
    else:
        typer.echo("Nothing is in quarantine: every event's channel belongs to a tenant.")


def _show(held: "list[HeldChannel]") -> None:
    from infra.logging import mask_phones

    typer.echo(f"{'channel':<24} {'events':>7}  {'since (UTC)':<19}  {'last (UTC)':<19}  types")
    for one in held:
        types = ", ".join(f"{name} {count}" for name, count in one.event_types.items())
        note = "  registered: being released" if one.is_registered else ""
        typer.echo(
            f"{mask_phones(one.channel):<24} {one.events:>7}  {one.first_received_at:%Y-%m-%d %H:%M:%S}  "
            f"{one.last_received_at:%Y-%m-%d %H:%M:%S}  {types}{note}"
        )
