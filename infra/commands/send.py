"""`posto send`: an event made by hand."""

import asyncio
import json
from typing import Annotated, Any

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait


def send(
    event: Annotated[
        str | None, typer.Argument(metavar="EVENT.json", help="What POST /api/events takes; - is stdin.")
    ] = None,
    source_system: Annotated[str | None, typer.Option("--source-system", "-s", help="Who says it.")] = None,
    event_type: Annotated[str | None, typer.Option("--event-type", "-t", help="What happened.")] = None,
    external_id: Annotated[str | None, typer.Option("--external-id", "-i", help="The id of the fact.")] = None,
    occurrence: Annotated[str | None, typer.Option(help="Which time it is told.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="A key in place of the one made of the fields.")] = None,
    ordering_key: Annotated[str | None, typer.Option(help="What keeps its order with others.")] = None,
    tenant: Annotated[int | None, typer.Option(help="For which tenant.")] = None,
    channel: Annotated[str | None, typer.Option(help="By which channel.")] = None,
    occurred_at: Annotated[str | None, typer.Option(metavar="TIME", help="When it happened.")] = None,
    expires_at: Annotated[str | None, typer.Option(metavar="TIME", help="When it is too late to send.")] = None,
    trace_id: Annotated[str | None, typer.Option(help="The trace to find it by.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="An id that several events share.")] = None,
    payload: Annotated[str | None, typer.Option("--payload", "-p", metavar="JSON", help="An object.")] = None,
    to: Annotated[str | None, typer.Option(help="payload.to: the recipient.")] = None,
    text: Annotated[str | None, typer.Option(help="payload.text: a text sent as it is.")] = None,
    edge: Annotated[
        str | None, typer.Option("--edge", metavar="URL", help="Another edge than the one of this machine.")
    ] = None,
    kafka: Annotated[bool, typer.Option("--kafka", help="Straight to raw.event, past the edge.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Say what becomes of it, until nothing more does.")
    ] = False,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Send one event, checked here by the very code of the edge, and print its id, key and trace.

    Options replace what the file says. Sent again unchanged it counts once: its key is the same. Exit code 2 where the
    event is not what the contract says and was not sent; 1 where the hub refused it, did not answer within --wait
    seconds, or (with --follow) the event came to nothing.

    - `posto send invoice.json --follow` sends a file and follows the message until the gateway has it.
    - `posto send -s erp -t order.paid -i 7001 -p '{"amount": 12.5}'` makes the event of options alone.
    - `posto send invoice.json --occurrence again --kafka` tells the same bill once more, straight to Kafka.
    - `jq .event letter.json | posto send - --json | jq -r .event_id` is for scripts.
    """
    from infra import hand_made_events as events
    from infra.following import followed
    from infra.settings import load

    settings = load()
    through, behind = events.door(settings, edge=edge, kafka=kafka)
    fields: dict[str, Any] = {
        "source_system": source_system,
        "event_type": event_type,
        "external_id": external_id,
        "occurrence": occurrence,
        "idempotency_key": idempotency_key,
        "ordering_key": ordering_key,
        "tenant_id": tenant,
        "channel": channel,
        "occurred_at": occurred_at,
        "expires_at": expires_at,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
    }
    entries = {**events.read_payload(payload), "to": to, "text": text}
    submission = events.put_together(events.read(event), fields, entries)
    asyncio.run(events.send(submission, through, behind, wait))
    answer: dict[str, str] = {
        "event_id": submission.event_id,
        "idempotency_key": submission.idempotency_key,
        "trace_id": submission.trace_id,
    }
    tell = (lambda _: None) if as_json else (lambda step: typer.echo(f"{'status':<17}{step}"))
    if not as_json:
        for name, value in answer.items():
            typer.echo(f"{name:<17}{value}")
    outcome = asyncio.run(followed(settings, submission, wait, tell)) if follow else None
    if as_json:
        typer.echo(json.dumps(answer | ({"status": outcome.said} if outcome else {}), ensure_ascii=False))
    if outcome and not outcome.went_well:
        raise typer.Exit(1)
