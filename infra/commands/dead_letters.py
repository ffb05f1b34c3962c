"""`posto dead-letters`: what could not be processed, and what is done about it."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.commands.letter_options import Filtered, counted, filtered, must_say
from infra.commands.options import WAIT_SECONDS, AsJson, Wait

if TYPE_CHECKING:
    from infra.dead_letters.acting import Outcome, Tell
    from infra.dead_letters.filters import Filter
    from infra.dead_letters.found import Group

app = typer.Typer(
    help="Show what could not be processed; process it again, or put it aside for good.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

All = Annotated[bool, typer.Option("--all", help="All that are open, where nothing else says which.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would be done.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides it: your name. Needed with --yes.")]
Reason = Annotated[
    str | None, typer.Option("--reason", help="Why, for those who ask later. Needed to discard with --yes.")
]
ShowPersonal = Annotated[bool, typer.Option("--show-personal", help="Show phones and texts, hidden otherwise.")]


@app.command("list")
@filtered
def list_(
    wanted: Filtered,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many to show.")] = 50,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """List the letters that are open, those that failed last first.

    - `posto dead-letters list --stage router --reason-text name` lists what the router rejected for a name.
    - `posto dead-letters list --state all --since 2026-01-15` lists all that failed since.
    """
    import msgspec

    from infra.dead_letters import view
    from infra.dead_letters.found import groups, listed, opened
    from infra.settings import load
    from infra.trace_view import console

    async def find() -> Any:
        async with opened(load()) as db:
            return await groups(db, wanted), await listed(db, wanted, limit)

    kinds, found = asyncio.run(find())
    shown = found if show_personal else [view.discreet(letter) for letter in found]
    total = sum(group.letters for group in kinds)
    if as_json:
        typer.echo(msgspec.json.encode(shown).decode())
    elif shown:
        view.print_list(console(), shown)
        more = f"; --limit shows more than {len(shown)}" if total > len(shown) else ""
        typer.echo(f"\n{counted(total, wanted)}{more}. posto dead-letters show <dead letter> tells all of one.")
    else:
        typer.echo(f"{counted(0, wanted)}.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="LETTER", help="Its name, or where it lies.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write its bytes as they came, and nothing else.")] = False,
    show_personal: ShowPersonal = False,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Show a letter: why it failed and how often, what was done about it, and its bytes.

    Of the bytes the shape is shown; texts and phones are hidden.

    - `posto dead-letters show router:event.normalized/3@17 --show-personal` shows the bytes too.
    - `posto dead-letters show normalizer:raw.webhook/3@17 --raw > body` writes them into a file, byte for byte.
    """
    import msgspec

    from infra.dead_letters import view
    from infra.dead_letters.found import one, opened, original
    from infra.dead_letters.whole import whole
    from infra.settings import load
    from infra.trace_view import console

    if raw and sys.stdout.isatty():
        raise typer.BadParameter("--raw writes bytes as they came, which no terminal should see: > a file.")
    settings = load()

    async def find() -> Any:
        async with opened(settings) as db:
            letter = await one(db, name)
            kept = await original(db, letter)
        return letter, await whole(settings, letter, kept, wait) if raw else kept

    letter, data = asyncio.run(find())
    if raw:
        sys.stdout.buffer.write(data or b"")
        return
    shown = letter if show_personal else view.discreet(letter)
    is_whole = len(data or b"") == letter.original_bytes
    lines = view.body(data, show_personal=show_personal, is_whole=is_whole)
    if as_json:
        typer.echo(msgspec.json.encode(msgspec.to_builtins(shown) | {"body": "\n".join(lines)}).decode())
    else:
        view.print_letter(console(), shown, lines)


@app.command()
@filtered
def redrive(
    wanted: Filtered,
    everything: All = False,
    yes: Yes = False,
    by: By = None,
    reason: Reason = None,
    rate: Annotated[float | None, typer.Option("--rate", min=0.1, help="At most so many a second.")] = None,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Process letters again, once what they failed of is mended; without --yes, say what would be done.

    Each record goes back to where it was read, as what it was: with its first place, ids and time. An event that was
    sent meanwhile is a duplicate, and not sent again. What fails again stays in the list, with both reasons. A command
    that was broken off goes on where it was when it is given again.

    - `posto dead-letters redrive --stage router --since 2026-01-15` says what would be processed again.
    - `posto dead-letters redrive --stage router --since 2026-01-15 --yes --by Ana` does it.
    - `posto dead-letters redrive --all --yes --by Ana --rate 50` does it with all that are open, 50 a second.
    """
    from infra.dead_letters.acting import redrive as act

    must_say(wanted, everything=everything)
    _act("redriven", act, wanted, yes=yes, by=by, reason=reason, rate=rate, wait=wait, as_json=as_json)


@app.command()
@filtered
def discard(
    wanted: Filtered,
    everything: All = False,
    yes: Yes = False,
    by: By = None,
    reason: Reason = None,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Put letters aside: nothing is deleted, they are no longer open; without --yes, say which ones.

    - `posto dead-letters discard --topic raw.webhook --error NormalizationError` says how many it would be.
    - `posto dead-letters discard normalizer:raw.webhook/3@17 --yes --by Ana --reason "a scanner's garbage"` does it.
    """
    from infra.dead_letters.acting import discard as act

    must_say(wanted, everything=everything)
    if yes and not (reason or "").strip():
        raise typer.BadParameter("--reason must say why, for those who ask later.")
    _act("discarded", act, wanted, yes=yes, by=by, reason=reason, rate=None, wait=wait, as_json=as_json)


def _act(
    what: str,
    act: "Callable[..., Coroutine[Any, Any, None]]",
    wanted: "Filter",
    *,
    yes: bool,
    by: str | None,
    reason: str | None,
    rate: float | None,
    wait: float,
    as_json: bool,
) -> None:
    """Say what would be done, or do it and say how it went; exit code 1 where nothing is done."""
    import msgspec

    from infra.dead_letters import view
    from infra.dead_letters.acting import Order, Outcome
    from infra.dead_letters.found import groups, opened
    from infra.said import LONGEST_NAME, LONGEST_REASON, said
    from infra.settings import load
    from infra.trace_view import console

    if yes and not (by or "").strip():
        raise typer.BadParameter("--by must say who decides it.")
    order = Order(
        by=said("--by", by, LONGEST_NAME) if by else "",
        reason=said("--reason", reason, LONGEST_REASON) if reason else None,
        rate=rate,
        wait=wait,
    )
    settings = load()

    async def look() -> "list[Group]":
        async with opened(settings) as db:
            return await groups(db, wanted)

    kinds = asyncio.run(look())
    total = sum(group.letters for group in kinds)
    if not total:
        typer.echo(f"posto: {counted(0, wanted)}: nothing to do.", err=True)
        raise typer.Exit(1)
    if not yes:
        if as_json:
            typer.echo(msgspec.json.encode(kinds).decode())
        else:
            view.print_groups(console(), kinds)
            typer.echo(f"\n{counted(total, wanted)} would be {what}; --yes --by <your name> does it.")
        return
    outcome = Outcome()
    try:
        asyncio.run(act(settings, wanted, order, outcome, _teller(what)))
    finally:
        _sum_up(what, outcome, as_json=as_json)
    if not outcome.done:
        raise typer.Exit(1)


def _teller(what: str) -> "Tell":
    """Says on stderr how far it has come, once a second."""
    told = time.monotonic()

    def tell(outcome: "Outcome") -> None:
        nonlocal told
        if time.monotonic() - told >= 1:
            told = time.monotonic()
            typer.echo(f"{outcome.done:,} of {outcome.total:,} {what}", err=True)

    return tell


def _sum_up(what: str, outcome: "Outcome", *, as_json: bool) -> None:
    import msgspec

    if not outcome.total:  # it did not come so far: the error says why
        return
    left = outcome.total - outcome.done - outcome.refused.total()
    if as_json:
        done = {what: outcome.done, "refused": dict(outcome.refused), "left": left}
        typer.echo(msgspec.json.encode(done).decode())
        return
    typer.echo(f"{outcome.done:,} of {outcome.total:,} {what}.")
    for why, count in outcome.refused.most_common():
        typer.echo(f"{count:,} not: {why}.", err=True)
    if left > 0:
        typer.echo(f"{left:,} are left: the same command goes on with them.", err=True)
