"""`posto contacts`: who is who, by whose word, and an operator's word on it."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait

if TYPE_CHECKING:
    from schemas.contacts import LinkChange

app = typer.Typer(
    help="Show contacts and how their lids and phones are linked; link them, and undo it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

ShowPersonal = Annotated[bool, typer.Option("--show-personal", help="Show phones, lids and names, masked otherwise.")]
Lid = Annotated[str, typer.Argument(metavar="LID", help="The lid: 14 to 20 digits, with or without @lid.")]
By = Annotated[str, typer.Option("--by", help="Who decides it: your name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")]
Tenant = Annotated[int | None, typer.Option("--tenant", help="Whose contact it is, where several tenants know it.")]


@app.command()
def show(
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="A phone or a lid, in any spelling.")],
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """Show a person: phone and lids, whose word links them, or the reason why nobody knows.

    Exit code 1 where nothing is known.

    - `posto contacts show "+55 47 99999-0001"` shows a phone with its lids.
    - `posto contacts show 100000000000001@lid --show-personal` shows which phone a lid is.
    """
    import msgspec

    from infra import contacts_view, settings
    from infra.contacts import find
    from infra.trace_view import console

    found = asyncio.run(find(settings.load(), contact))
    shown = found if show_personal else [contacts_view.discreet(person) for person in found]
    if as_json:
        typer.echo(msgspec.json.encode(shown).decode())
    else:
        for person in shown:
            contacts_view.print_person(console(), person)
    if not shown:
        typer.echo(f"posto: nothing is known of {contact!r}.", err=True)
        raise typer.Exit(1)


@app.command()
def link(
    lid: Lid,
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="The phone that the lid is, in any spelling.")],
    by: By,
    reason: Reason,
    tenant: Tenant = None,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Say that a lid is a phone: it counts above whatever the gateway says, until it is undone.

    - `posto contacts link 100000000000001@lid 5547999990001 --by Ana --reason "she called from it"`
    """
    from schemas.contacts import LinkChange

    _decide(LinkChange.LINKED, lid, phone, by, reason, tenant, wait, as_json)


@app.command()
def unlink(
    lid: Lid,
    by: By,
    reason: Reason,
    phone: Annotated[
        str | None, typer.Argument(metavar="[PHONE]", help="The phone, where the lid was linked to several.")
    ] = None,
    tenant: Tenant = None,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Say that a lid is not a phone: it stays so whatever evidence comes later, until somebody links them again.

    - `posto contacts unlink 100000000000001@lid --by Ana --reason "another person answers"`
    """
    from schemas.contacts import LinkChange

    _decide(LinkChange.UNDONE, lid, phone, by, reason, tenant, wait, as_json)


def _decide(
    what: "LinkChange",
    lid: str,
    phone: str | None,
    by: str,
    reason: str,
    tenant: int | None,
    wait: float,
    as_json: bool,
) -> None:
    import msgspec

    from infra.contacts import decide
    from infra.patience import kafka_of, patiently
    from infra.settings import load
    from schemas.contacts import LinkChange

    settings = load()
    work = decide(settings, what, lid, phone, by=by, reason=reason, tenant_id=tenant)
    said = asyncio.run(patiently(work, wait, kafka_of(settings)))
    if as_json:
        typer.echo(msgspec.json.encode(said).decode())
    else:
        are = "are one contact" if said.what is LinkChange.LINKED else "are not one contact"
        typer.echo(f"On record as trace {said.trace_id}: {said.by} says that they {are}. The tables follow at once.")
