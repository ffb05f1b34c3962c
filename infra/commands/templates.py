"""`posto templates`: what is in force, and what one makes of a payload."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from infra.commands import template_changes
from infra.commands.changing import add_to
from infra.commands.options import WAIT_SECONDS, AsJson, At, Wait

app = typer.Typer(
    help="Show, change and delete the message templates, and preview one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.command()
def render(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A template in force.")],
    payload: Annotated[
        typer.FileBinaryRead,
        typer.Argument(metavar="PAYLOAD.json", help="A payload, or a whole event; - is stdin."),
    ],
    stage: Annotated[
        str | None,
        typer.Option("--stage", help="As if it came when this stage of the bill begins; all is each of them."),
    ] = None,
    at: At = None,
    tenant: Annotated[
        int | None, typer.Option("--tenant", metavar="ID", help="In this tenant's time zone; else the event's.")
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option(
            "--body", metavar="FILE", exists=True, dir_okay=False, help="This text instead of the one in force."
        ),
    ] = None,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Show what a template makes of a payload, with its length and stage, or all that is missing. Nothing is sent.

    Exit code 1 where no text comes out.

    - `posto templates render billing.invoice payload.json` shows the text as of now.
    - `posto templates render billing.invoice payload.json --at 2026-01-18` as of another day.
    - `posto templates render billing.invoice payload.json --stage all` at each stage of a bill.
    - `posto templates render billing.invoice payload.json --body new.j2` tries a text before it is put in force.
    """
    import msgspec

    from infra import templates_view
    from infra.in_force import read_in_force
    from infra.previews import previews
    from infra.settings import load

    published = asyncio.run(read_in_force(load(), wait))
    text = None if body is None else body.read_text("utf-8")
    shown = previews(published, name, payload.read(), stage=stage, at=at, tenant=tenant, body=text)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
    else:
        typer.echo("\n\n".join("\n".join(templates_view.told(one)) for one in shown))
    if any(one.text is None for one in shown):
        raise typer.Exit(1)


@app.command(name="list")
def list_templates(wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """List the templates with version, state, length and the rules that name them. Exit code 1 where one is wrong.

    - `posto templates list --json | jq -r '.[] | select(.reason) | "\\(.id): \\(.reason)"'` lists what to mend.
    """
    from infra import templates_view
    from infra.commands import standings
    from streams.topics import CONFIG_TEMPLATE

    standings.show(CONFIG_TEMPLATE, wait, as_json=as_json, listed=templates_view.listed)


add_to(app, template_changes.CHANGES, template_changes.SHOWN)
