"""`posto gateway`: what is set at the gateway for all channels."""

import asyncio
from typing import TYPE_CHECKING

import typer

from infra.commands.options import By

if TYPE_CHECKING:
    from infra.context import Context

app = typer.Typer(
    help="Set up the gateway as a whole.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.callback()
def gateway() -> None:
    """Set up the gateway as a whole."""


@app.command()
def webhook(by: By = None) -> None:
    """Tell the gateway where the webhooks of all channels go that have no address of their own.

    That is PIXELHUB_WHATSAPP_WEBHOOK_URL with its secret, and the gateway is told only once a probe came in there. With
    it the hub hears of a channel before the channel's own webhook is set: of its QR code, and that it was scanned.

    - `posto gateway webhook`
    """
    from infra.channels.calls import PATIENT
    from infra.channels.probe import webhook_of
    from infra.channels.setup import Setup
    from infra.commands.connecting import person, to_stderr, with_context

    async def done(context: "Context") -> str:
        place = await Setup(context, person(by), PATIENT, to_stderr).set_global_webhook()
        return f"The gateway posts to {webhook_of(context.settings).shown}; the probe came in as {place}."

    typer.echo(asyncio.run(with_context(done)))
