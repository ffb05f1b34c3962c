"""Options that several commands share."""

from typing import Annotated, Final

import typer

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
