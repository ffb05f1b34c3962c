"""`posto channels`: who owns which channel, how each stands, and the set-up from nothing to the first message."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.commands.options import AsJson, By

if TYPE_CHECKING:
    from infra.context import Context

app = typer.Typer(
    help="Connect channels of tenants, show how they stand, and change them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel, in any spelling.")]
Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id or name.")]
Connecting = Annotated[
    float, typer.Option("--wait", min=1, metavar="SECONDS", help="Give up where it takes longer; it can be resumed.")
]
Png = Annotated[
    Path | None, typer.Option("--png", dir_okay=False, help="Write the QR code into this file too, as a PNG.")
]
TestTo = Annotated[
    str | None, typer.Option("--test-to", metavar="PHONE", help="Send this phone a test message at the end.")
]


@app.command()
def connect(
    tenant: Tenant,
    channel: Annotated[
        str | None,
        typer.Option("--channel", help="The name of the channel at the gateway.", show_default="the tenant's own"),
    ] = None,
    display_name: Annotated[str | None, typer.Option("--name", help="What people call the channel.")] = None,
    test_to: TestTo = None,
    png: Png = None,
    by: By = None,
    wait: Connecting = 300.0,
    as_json: AsJson = False,
) -> None:
    """Give a tenant its WhatsApp channel: made at the gateway, QR code scanned, webhook set and probed, tested.

    Every step may be repeated, and the command goes on where the channel stands: stop it and call it again as you like.

    - `posto channels connect 1 --channel canalum` makes the channel and shows its QR code until a phone has scanned it.
    - `posto channels connect "Padaria Sol" --test-to "+55 47 99999-0001"` also sends a message, and waits for its ack.
    - `posto channels connect 1 --png qr.png` also writes the code into a file, for a terminal that cannot show it.
    """
    from infra.commands.connecting import connected

    asyncio.run(connected(tenant, channel, display_name, test_to, png, by, wait, as_json=as_json))


@app.command()
def reconnect(
    channel: Channel,
    test_to: TestTo = None,
    png: Png = None,
    by: By = None,
    wait: Connecting = 300.0,
    as_json: AsJson = False,
) -> None:
    """Start a channel's session at the gateway again, whatever it says of it, and go on as `connect` does.

    - `posto channels reconnect "Canal Um"` is for a channel that is disconnected, or silent though it is connected.
    """
    from infra.commands.connecting import reconnected

    asyncio.run(reconnected(channel, test_to, png, by, wait, as_json=as_json))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the channels with their owners, what webhooks told of them last, and when they were heard of.

    - `posto channels list --json | jq -r '.[] | select(.webhook_configured | not).id'` lists those without a webhook.
    """
    from infra import channels_view
    from infra.channels import registry
    from infra.commands.connecting import with_context, written

    rows = asyncio.run(with_context(registry.channels))
    written(rows, channels_view.channels(rows), as_json=as_json)


@app.command()
def show(channel: Channel, as_json: AsJson = False) -> None:
    """Show how a channel stands, by the gateway's word and by what came in from it, and what to do next.

    - `posto channels show "Canal Um"`
    """
    from infra import channels_view
    from infra.channels.effects import NOBODY
    from infra.channels.setup import Setup
    from infra.commands.connecting import with_context, written

    found = asyncio.run(with_context(lambda context: Setup(context, NOBODY).standing(channel)))
    written(found, channels_view.standing(found), as_json=as_json)


@app.command()
def disable(channel: Channel, by: By = None) -> None:
    """Send nothing by a channel any more: what is under way by it fails with `channel_changed`.

    - `posto channels disable "Canal Um"`
    """
    _enable(channel, by, is_enabled=False)


@app.command()
def enable(channel: Channel, by: By = None) -> None:
    """Send by a channel again.

    - `posto channels enable "Canal Um"`
    """
    _enable(channel, by, is_enabled=True)


@app.command()
def move(
    channel: Channel,
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="The id or name of the tenant that gets it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")],
    by: By = None,
) -> None:
    """Hand a channel over to another tenant. What the former one has under way by it fails with `channel_changed`.

    - `posto channels move "Canal Um" 2 --reason "the shop was sold"`
    """
    from infra.channels import registry
    from infra.channels.effects import put_in_force
    from infra.commands.connecting import person, with_context
    from infra.said import LONGEST_REASON, said

    why = said("--reason", reason, LONGEST_REASON)

    async def moved(context: "Context") -> str:
        owner = await registry.tenant_named(context, tenant)
        row = await registry.move(context, person(by), channel, owner.id, why)
        reached = await put_in_force(context, row.channel_id)
        return f"Channel {row.channel_id!r} is tenant {row.tenant_id}'s ({row.tenant_name}) now. {reached}"

    typer.echo(asyncio.run(with_context(moved)))


@app.command()
def webhook(channel: Channel, by: By = None) -> None:
    """Tell the gateway where a channel's webhooks go (PIXELHUB_WHATSAPP_WEBHOOK_URL), once a probe came in there.

    - `posto channels webhook "Canal Um"` after the address or its secret has changed.
    """
    from infra.channels.calls import PATIENT
    from infra.channels.probe import webhook_of
    from infra.channels.setup import Setup
    from infra.commands.connecting import person, to_stderr, with_context

    async def done(context: "Context") -> str:
        setup = Setup(context, person(by), PATIENT, to_stderr)
        place = await setup.set_webhook((await setup.standing(channel)).row)
        return f"The gateway posts to {webhook_of(context.settings).shown}; the probe came in as {place}."

    typer.echo(asyncio.run(with_context(done)))


@app.command("test")
def send_test(
    channel: Channel,
    to: Annotated[str, typer.Option("--to", metavar="PHONE", help="Who gets it: a phone in any spelling, or an id.")],
    text: Annotated[str | None, typer.Option("--text", help="What to write.", show_default="that it is a test")] = None,
    by: By = None,
    wait: Annotated[float, typer.Option("--wait", min=0.1, metavar="SECONDS", help="Follow it for so long.")] = 30.0,
) -> None:
    """Send a test message by a channel and follow it until it was read. Exit code 1 where no ack of it came in.

    Its ack is the proof that the gateway sends, and that its webhooks arrive.

    - `posto channels test "Canal Um" --to "+55 47 99999-0001"`
    """
    from infra.channels import registry
    from infra.commands.connecting import person, tested, with_context

    async def done(context: "Context") -> bool:
        return await tested(context, person(by), await registry.channel(context, channel), to, text, wait)

    if not asyncio.run(with_context(done)):
        raise typer.Exit(1)


@app.command()
def diff(as_json: AsJson = False) -> None:
    """Compare the gateway's list of channels with ours. Exit code 1 where they differ.

    - `posto channels diff` names channels that the gateway does not know, or nobody here, and states that differ.
    """
    from infra import channels_view
    from infra.channels.calls import PATIENT
    from infra.channels.effects import NOBODY
    from infra.channels.setup import Setup
    from infra.commands.connecting import to_stderr, with_context, written

    found = asyncio.run(with_context(lambda context: Setup(context, NOBODY, PATIENT, to_stderr).differences()))
    lines = list(channels_view.differences(found)) or ["The gateway and the hub have the same channels."]
    written(found, lines, as_json=as_json)
    if found:
        raise typer.Exit(1)


@app.command()
def quarantine(as_json: AsJson = False) -> None:
    """List the channels that belong to no tenant and have events waiting, the longest waiting first.

    Nothing of them is routed. Give the channel to its tenant (`posto channels connect`) and what waits is released by
    itself, in order; `posto trace` then shows each event with its decision.

    - `posto channels quarantine` shows how many events wait, of what types, and since when.
    """
    from infra import channels_view
    from infra.commands.connecting import written
    from infra.quarantine import find
    from infra.settings import load

    held = asyncio.run(find(load()))
    written(held, channels_view.quarantined(held), as_json=as_json)


def _enable(channel: str, by: str | None, *, is_enabled: bool) -> None:
    from infra.channels import registry
    from infra.channels.effects import put_in_force
    from infra.commands.connecting import person, with_context

    async def done(context: "Context") -> str:
        row = await registry.change_channel(context, person(by), channel, {"is_enabled": is_enabled})
        reached = await put_in_force(context, row.channel_id)
        return f"Channel {row.channel_id!r} is {'enabled' if row.is_enabled else 'disabled'}. {reached}"

    typer.echo(asyncio.run(with_context(done)))
