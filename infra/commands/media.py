"""`posto media`: the files of messages."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.callback()
def media() -> None:
    """Get the files of messages out of the object store.

    - `posto media get sha256:... -o note.ogg` writes one into a file.
    """


@app.command()
def get(
    ref: Annotated[str, typer.Argument(metavar="REF", help="The file's reference: sha256: and 64 hex digits.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it, instead of stdout.")] = None,
) -> None:
    """Write the bytes of a file; its reference is in `posto trace` and in `messages.media_ref`.

    Exit code 1 where the store has no such file, or cannot be reached.

    - `posto media get sha256:... -o note.ogg` writes a voice note into a file.
    - `posto media get sha256:... | file -` says what it is.
    """
    from infra.media import get as bytes_of
    from infra.settings import load

    data = asyncio.run(bytes_of(load(), ref))
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)
