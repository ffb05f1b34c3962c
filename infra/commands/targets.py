"""`posto targets`: where `ai` and `http` actions post events."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from infra.commands.changing import add_to
from infra.commands.options import WAIT_SECONDS, AsJson, Wait

if TYPE_CHECKING:
    from infra.commands.authoring import Edits
    from infra.targets import Tried
    from schemas.configuration import Target

app = typer.Typer(
    help="Show, add, change and try the targets of ai and http actions.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The target, as rules name it.")]
Url = Annotated[str, typer.Argument(metavar="URL", help="Where events are posted, such as https://ai.example/answer.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="How long it may take.", show_default="30")
]


def add(name: Name, url: Url, timeout: Timeout = None) -> "Edits":
    """Add a target; `posto targets secret` shows the secret with which its requests are signed.

    - `posto targets add responder https://ai.example/answer --timeout 20`
    - `posto rules create answer event_type=whatsapp.inbound.message action=ai target=responder` lets it answer.
    """
    from infra import targets
    from infra.authoring.edits import creation
    from infra.commands.authoring import these
    from infra.settings import load

    fields = {"url": url} | ({} if timeout is None else {"timeout_seconds": timeout})
    return these(creation(targets.key_of(name), targets.allowed(load(), fields)))


def change(
    name: Name,
    url: Annotated[str | None, typer.Option("--url", help="Another address.")] = None,
    timeout: Timeout = None,
) -> "Edits":
    """Give a target another address, or another time to answer.

    - `posto targets change responder --url https://ai.example/v2/answer`
    """
    from infra import targets
    from infra.authoring.edits import alteration
    from infra.commands.authoring import these
    from infra.settings import load

    given = {"url": url, "timeout_seconds": timeout}
    fields = {field: value for field, value in given.items() if value is not None}
    return these(alteration(targets.key_of(name), targets.allowed(load(), fields)))


def enable(name: Name) -> "Edits":
    """Post to a target again."""
    return _enabled(name, is_enabled=True)


def disable(name: Name) -> "Edits":
    """Post nothing to a target: what would be is dropped, and says so."""
    return _enabled(name, is_enabled=False)


def rotate(
    name: Name,
    keep: Annotated[
        float, typer.Option("--keep", metavar="HOURS", help="For so long the former secret signs as well.")
    ] = 24.0,
) -> "Edits":
    """Give a target another secret, and sign with both until whoever runs it has the new one.

    - `posto targets rotate responder --keep 48`, then `posto targets secret responder`.
    """
    from infra import targets
    from infra.commands.authoring import these

    return these(targets.rotation(name, keep))


def show(name: Name, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Show a target as it is written, without its secret."""
    from infra.commands import authoring
    from infra.targets import key_of

    authoring.show(key_of(name), wait, as_json=as_json)


def history(name: Name, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """List the versions of a target, the newest first: when each was published, by whom, and what it changed."""
    from infra.commands import authoring
    from infra.targets import key_of

    authoring.show_history(key_of(name), wait, as_json=as_json)


def secret(name: Name, wait: Wait = WAIT_SECONDS) -> None:
    """Print the secret with which requests to a target are signed, for whoever runs it."""
    from infra import targets
    from infra.settings import load

    typer.echo(targets.secret(load(), _found(name, wait)))


@app.command(name="test")
def try_target(
    name: Name,
    text: Annotated[str, typer.Option("--text", help="What somebody would have written.")] = "Olá",
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Post a made-up event to a target from here, and show its answer. Nothing is sent. Exit code 1 where it fails.

    - `posto targets test responder --text "Qual o valor da minha fatura?"`
    """
    import msgspec

    from infra import targets
    from infra.settings import load

    done = asyncio.run(targets.tried(load(), _found(name, wait), text))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(done)).decode())
    else:
        _tell(done)
    if done.problem:
        raise typer.Exit(1)


@app.command(name="list")
def list_targets(wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """List the targets with version and state: in force, or why not. Exit code 1 where one makes no sense."""
    from infra import targets_view
    from infra.commands import standings
    from streams.topics import CONFIG_TARGET

    standings.show(CONFIG_TARGET, wait, as_json=as_json, listed=targets_view.listed)


def _enabled(name: str, *, is_enabled: bool) -> "Edits":
    from infra.authoring.edits import alteration
    from infra.commands.authoring import these
    from infra.targets import key_of

    return these(alteration(key_of(name), {"is_enabled": is_enabled}))


def _found(name: str, wait: float) -> "Target":
    from infra import targets
    from infra.commands import authoring
    from infra.context import opened
    from infra.settings import load

    settings = load()

    async def look() -> "Target":
        async with opened(settings, wait) as context, context.db.session() as session:
            return await targets.found(session, name)

    return authoring.run(look(), wait, settings)


def _tell(done: "Tried") -> None:
    said = f"answered {done.status}" if done.status else "did not answer"
    typer.echo(f"{done.url} {said} in {done.seconds:.3f} s")
    for reply in done.replies:
        typer.echo(f"  reply: {reply}")
    if done.handoff:
        typer.echo("  hands over to people")
    if done.problem:
        typer.echo(f"  {done.reason}: {done.problem}")


add_to(app, (add, change, enable, disable, rotate), (show, history, secret))
