"""Options that several commands share."""

from typing import Annotated, Final

import typer

from schemas.proposals import MOST_DIFFERENCES, MOST_EVENTS, DangerCode

WAIT_SECONDS: Final = 30.0
"""How long a command waits for Kafka and MySQL, unless `--wait` says otherwise."""

Wait = Annotated[
    float,
    typer.Option("--wait", min=0.1, metavar="SECONDS", help="Give up where the hub does not answer for so long."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="As if it came then (ISO-8601, UTC; a date alone: its noon), instead of now."
    ),
]
By = Annotated[str | None, typer.Option("--by", help="Who does it.", show_default="your login")]
Why = Annotated[str | None, typer.Option("--why", help="Why, for those who ask later.")]
Confirm = Annotated[
    list[DangerCode] | None, typer.Option("--confirm", metavar="DANGER", help="This danger is meant; once for each.")
]
IfMatch = Annotated[
    str | None, typer.Option("--if-match", metavar="ETAG", help="Only where it is still what `show` showed.")
]
IsDry = Annotated[bool, typer.Option("--dry-run", help="Say what would differ, and save nothing.")]
Last = Annotated[int, typer.Option("--last", min=1, max=MOST_EVENTS, help="How many of the last events are looked at.")]
Show = Annotated[
    int, typer.Option("--show", min=0, max=MOST_DIFFERENCES, help="How many that would end otherwise are shown.")
]
ShowPersonal = Annotated[bool, typer.Option("--show-personal", help="Show phones and texts, left out otherwise.")]
