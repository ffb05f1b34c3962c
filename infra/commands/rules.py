"""`posto rules`: what is in force, and what it makes of an event."""

import asyncio
import json
from typing import Annotated

import typer

from infra.commands import rule_changes
from infra.commands.changing import add_to
from infra.commands.options import WAIT_SECONDS, AsJson, At, Wait

app = typer.Typer(
    help="Show, change, order and delete rules, and try events against them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.command(name="test")
def try_event(
    event: Annotated[
        typer.FileBinaryRead,
        typer.Argument(metavar="EVENT.json", help="What POST /api/events takes, a record, or a webhook; - is stdin."),
    ],
    at: At = None,
    rule: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(
            "--rule", metavar="RULE.json", help="As if this rule were in force too, in place of one of its id."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also name the rules for other event types.")] = False,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Say which rule an event would meet, why the others lose, and what would be sent. Nothing is done.

    The rules are those in force: what the workers use. Exit code 1 where nothing would come of the event: no rule
    matches, its message cannot be made, or its channel is unknown.

    - `posto rules test invoice.json` tries an event as a producer sends it.
    - `posto rules test invoice.json --at 2026-01-15` tries it as if it came on that day.
    - `posto rules test invoice.json --rule new.json` tries a rule before it is put in force; a bad one is refused with
      the place of its error, such as `conditions.payload.amount.$gt`, and exit code 2.
    - `kcat -C -b $KAFKA_BOOTSTRAP_SERVERS -t event.accepted -p 0 -o -1 -e | posto rules test -` tries the last one of
      a partition.
    """
    from infra import rules_view
    from infra.event_files import moment, read_event
    from infra.in_force import read_in_force
    from infra.rule_files import with_rule
    from infra.settings import load
    from streams.configuration import Configuration
    from streams.explanation import Fate
    from streams.trial import attempt

    tried = read_event(event.read(), None if at is None else moment(at))
    published = asyncio.run(read_in_force(load(), wait))
    trial = attempt(tried, Configuration(published if rule is None else with_rule(published, rule.read())))
    if not everything:
        trial = trial._replace(considered=[one for one in trial.considered if one.fate is not Fate.EVENT_TYPE])
    if as_json:
        typer.echo(json.dumps(rules_view.as_json(trial), ensure_ascii=False, indent=2))
    else:
        for line in rules_view.told(trial):
            typer.echo(line)
    if not rules_view.is_carried_out(trial):
        raise typer.Exit(1)


@app.command(name="list")
def list_rules(wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """List the rules with version and state: in force, or why not. Exit code 1 where one makes no sense.

    - `posto rules list --json | jq -r '.[] | select(.reason) | "\\(.id): \\(.reason)"'` lists what to mend.
    """
    from infra import rules_view
    from infra.commands import standings
    from streams.topics import CONFIG_RULE

    standings.show(CONFIG_RULE, wait, as_json=as_json, listed=lambda found, _: rules_view.listed(found))


add_to(app, rule_changes.CHANGES, rule_changes.SHOWN)
