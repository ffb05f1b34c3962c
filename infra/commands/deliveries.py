"""`posto deliveries`: what became of the messages, and an operator's word on those that nobody knows of."""

import asyncio
import getpass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.deliveries import ListedDelivery
    from schemas.deliveries import OperatorDecision, Status

app = typer.Typer(
    help="Show what became of the messages; settle what is in doubt, resend, cancel.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

ShowPersonal = Annotated[bool, typer.Option("--show-personal", help="Show phones and texts, masked otherwise.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the command or its event, or its key.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides it.", show_default="your login")]
Why = Annotated[str, typer.Option("--why", help="Why, for those who ask later.")]
Channel = Annotated[str | None, typer.Option("--channel", help="Only those of this channel, in any spelling.")]
Tenant = Annotated[int | None, typer.Option("--tenant", help="Only those of this tenant.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]


class Outcome(StrEnum):
    """What a doubt may come to by an operator's word."""

    SENT = "sent"
    NOT_SENT = "not-sent"


@app.command("list")
def list_(
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only those in this state; may be given several times.")
    ] = None,
    channel: Channel = None,
    tenant: Tenant = None,
    limit: Limit = 50,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """List deliveries, those that changed last first.

    - `posto deliveries list --status failed --status expired` lists what did not go out.
    - `posto deliveries list --channel "Canal Um" --limit 10`
    """
    from infra import deliveries_view
    from infra.deliveries import DeliveryError
    from schemas.deliveries import Status

    try:
        statuses = [Status(each) for each in status or ()]
    except ValueError as error:
        raise DeliveryError(f"{error}: the states are {', '.join(Status)}.") from None
    found = _listed(statuses, channel, tenant, limit, show_personal=show_personal, is_oldest_first=False)
    _print(found, deliveries_view.lines(found), "No delivery is like that.", as_json=as_json)


@app.command()
def uncertain(
    channel: Channel = None,
    tenant: Tenant = None,
    limit: Limit = 50,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """List what is in doubt and waits for evidence or for a person, the longest waiting first.

    The gateway did not say whether it sent these. An echo or an ack still settles them; a person may ask the recipient,
    or look into the phone's chat, and decide. `posto deliveries show ID` says what is known.

    - `posto deliveries settle ID sent --why "it is in the chat"`
    - `posto deliveries resend ID --why "it is not in the chat"`
    """
    from datetime import UTC, datetime

    from infra import deliveries_view
    from schemas.deliveries import Status

    found = _listed([Status.UNCERTAIN], channel, tenant, limit, show_personal=show_personal, is_oldest_first=True)
    shown = deliveries_view.doubtful(found, datetime.now(UTC))
    _print(found, shown, "Nothing is in doubt.", as_json=as_json)


@app.command()
def show(wanted: Id, show_personal: ShowPersonal = False, as_json: AsJson = False) -> None:
    """Show one delivery: its facts in the order of the log, and what may be decided about it.

    - `posto deliveries show 6f1b9a52-8f0e-5d0b-9b59-2d3c1f0e7a11`
    """
    from datetime import UTC, datetime

    import msgspec

    from infra import deliveries, deliveries_view, settings

    known = asyncio.run(deliveries.show(settings.load(), wanted))
    shown = known if show_personal else deliveries_view.discreet_whole(known)
    if as_json:
        typer.echo(msgspec.json.encode(shown).decode())
    else:
        for line in deliveries_view.whole(shown, datetime.now(UTC)):
            typer.echo(line)


@app.command()
def settle(
    wanted: Id,
    outcome: Annotated[Outcome, typer.Argument(help="What became of it, by your word.")],
    by: By = None,
    why: Why = "",
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Say that a message in doubt was sent, or was not: it is closed so, unless evidence comes that says otherwise.

    - `posto deliveries settle ID sent --by Ana --why "it is in the chat"`
    - `posto deliveries settle ID not-sent --why "the customer got nothing"`
    """
    from schemas.deliveries import OperatorDecision

    decided = OperatorDecision.SENT if outcome is Outcome.SENT else OperatorDecision.NOT_SENT
    _decide(wanted, decided, by, why, wait, as_json=as_json)


@app.command()
def resend(wanted: Id, by: By = None, why: Why = "", wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Send a message once more that is in doubt, has failed or was cancelled; or try one now that waits for its retry.

    If the first one was sent after all, the recipient gets it twice.

    - `posto deliveries resend ID --why "it is not in the chat"`
    """
    from schemas.deliveries import OperatorDecision

    _decide(wanted, OperatorDecision.RESEND, by, why, wait, as_json=as_json)


@app.command()
def cancel(wanted: Id, by: By = None, why: Why = "", wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Never send a message, nor send it again; a request that is under way goes on.

    - `posto deliveries cancel ID --why "it was paid by phone"`
    """
    from schemas.deliveries import OperatorDecision

    _decide(wanted, OperatorDecision.CANCEL, by, why, wait, as_json=as_json)


def _listed(
    statuses: list["Status"],
    channel: str | None,
    tenant: int | None,
    limit: int,
    *,
    show_personal: bool,
    is_oldest_first: bool,
) -> "list[ListedDelivery]":
    from infra import deliveries, deliveries_view, settings
    from streams.identity import canonical_channel

    found = asyncio.run(
        deliveries.listed(
            settings.load(),
            statuses=statuses,
            channel=canonical_channel(channel) if channel else None,
            tenant_id=tenant,
            limit=limit,
            is_oldest_first=is_oldest_first,
        )
    )
    return found if show_personal else [deliveries_view.discreet(one) for one in found]


def _print(found: "list[ListedDelivery]", lines: "Iterator[str]", nothing: str, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    elif found:
        for line in lines:
            typer.echo(line)
    else:
        typer.echo(nothing)


def _decide(wanted: str, decision: "OperatorDecision", by: str | None, why: str, wait: float, *, as_json: bool) -> None:
    import msgspec

    from infra import deliveries_view
    from infra.settings import load
    from infra.settling import decide

    who = by or getpass.getuser()
    known = asyncio.run(decide(load(), wanted, decision, by=who, why=why, wait=wait))
    if as_json:
        typer.echo(msgspec.json.encode(deliveries_view.discreet(known.about)).decode())
    else:
        said = decision.replace("_", " ")
        typer.echo(f"On record: {who} says {said!r} of {known.about.command_id}, which is {known.about.status} now.")
        typer.echo(f"posto trace {known.about.event_id} shows it.")
