"""`posto tokens`: who may ask the Admin API, and what."""

import asyncio
from typing import Annotated

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait

app = typer.Typer(
    help="Make, list and revoke tokens of the Admin API.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose it is: the name that the audit shows.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it.", show_default="your login")]


@app.command()
def create(
    name: Name,
    scope: Annotated[str, typer.Option("--scope", help="read, operate or admin; each includes those before it.")],
    by: By = None,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Make a token and print it, once: only its hash is kept.

    - `posto tokens create painel --scope read` makes one that may look at everything and change nothing.
    - `posto tokens create "Ana Souza" --scope operate` makes one for a person who settles, redrives and replies.
    """
    from infra import tokens
    from infra.audit import actor_of
    from infra.context import opened
    from infra.settings import load

    async def do() -> str:
        async with opened(load(), wait) as context:
            return await tokens.create(context.db, await context.producer(), name, scope, by=actor_of(by))

    typer.echo(asyncio.run(do()))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all tokens there ever were, those that are valid first; never the tokens themselves."""
    import msgspec

    from infra import tokens
    from infra.context import opened
    from infra.settings import load

    async def find() -> list[tokens.Token]:
        async with opened(load()) as context:
            return await tokens.listed(context.db)

    found = asyncio.run(find())
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for token in found:
        made = f"made {token.created_at:%Y-%m-%d %H:%M} by {token.created_by}"
        end = f"revoked {token.revoked_at:%Y-%m-%d %H:%M} by {token.revoked_by}" if token.revoked_at else "valid"
        typer.echo(f"{token.name:<32} {token.scope:<8} {made}  {end}")


@app.command()
def revoke(name: Name, by: By = None, wait: Wait = WAIT_SECONDS) -> None:
    """End a token: the next request with it is refused.

    - `posto tokens revoke painel`
    """
    from infra import tokens
    from infra.audit import actor_of
    from infra.context import opened
    from infra.settings import load

    async def do() -> None:
        async with opened(load(), wait) as context:
            await tokens.revoke(context.db, await context.producer(), name, by=actor_of(by))

    asyncio.run(do())
    typer.echo(f"The token {name!r} is revoked.")
