"""`posto schema`: what crosses the hub's boundaries, as JSON Schema."""

import json
from typing import Annotated

import typer


def schema(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which one; without it, all are listed.")] = None,
) -> None:
    """Print the JSON Schema (2020-12) of what the hub takes or gives, made of the types that validate it.

    Without a name it lists them all, with the topic or route where each is found. It needs nothing that runs.

    - `posto schema event > event.schema.json` is for an editor, or for the tests of a producer.
    - `posto schema delivery` shows what a consumer of `delivery.status` reads.
    """
    from infra.published_schemas import PUBLISHED, document

    if name is None:
        for each, published in PUBLISHED.items():
            typer.echo(f"{each:<20} {published.where}")
    else:
        typer.echo(json.dumps(document(name), indent=2, ensure_ascii=False))
