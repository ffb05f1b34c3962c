"""`posto trace`: what became of an event."""

import asyncio
from typing import Annotated

import typer


def trace(
    wanted: Annotated[
        str, typer.Argument(metavar="ID", help="Event id, trace id, command id, idempotency key, or phone.")
    ],
    show_personal: Annotated[
        bool, typer.Option("--show-personal", help="Show phones and texts, which are masked otherwise.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of all that was found, for scripts.")] = False,
) -> None:
    """Show the way of an event: raw record, rule, command, attempts, acks, each with its time and place in Kafka.

    Where several events are found, they are listed, the newest first. Exit code 1 where none is.

    - `posto trace 5547999990001` lists what went to and came from a phone.
    - `posto trace "billing|INV-1|billing.invoice.overdue"` shows the event of an idempotency key.
    - `posto trace <trace id> --json | jq '.[0].commands[].facts'` is for scripts.
    """
    import msgspec

    from infra import settings, trace_view
    from infra.trace import find

    found = asyncio.run(find(settings.load(), wanted))
    shown = found if show_personal else [trace_view.discreet(one) for one in found]
    if as_json:
        typer.echo(msgspec.json.encode(shown).decode())
    elif len(shown) == 1:
        trace_view.print_trace(trace_view.console(), shown[0])
    elif shown:
        trace_view.print_list(trace_view.console(), shown)
        typer.echo("\nposto trace <event id> shows one of them.")
    if not shown:
        typer.echo(
            f"posto: nothing is known of {wanted!r}: what was just sent may still be on its way (`posto status`), and "
            "what could not be read is a dead letter, found by the trace_id of the answer.",
            err=True,
        )
        raise typer.Exit(1)
