"""The commands of `posto templates` that change templates, or show one with its history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait
from streams.topics import CONFIG_TEMPLATE

if TYPE_CHECKING:
    from infra.commands.authoring import Edits
    from streams.configuration import Key

Name = Annotated[str, typer.Argument(metavar="NAME", help="The template.")]
File = Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, allow_dash=True, help="Its text; - is stdin.")]


def create(name: Name, file: File) -> "Edits":
    """Make a template of the text of a file. A rule that names it may come then.

    - `posto templates create welcome welcome.j2`
    """
    from infra.authoring.edits import creation
    from infra.commands.authoring import text_of, these

    return these(creation(_key(name), {"body": text_of(file)}))


def change(name: Name, file: File) -> "Edits":
    """Give a template another text. A variable that no recent event has must be confirmed.

    - `posto templates change billing.invoice new.j2 --dry-run` shows which messages would read otherwise.
    """
    from infra.authoring.edits import alteration
    from infra.commands.authoring import text_of, these

    return these(alteration(_key(name), {"body": text_of(file)}))


def enable(name: Name) -> "Edits":
    """Let rules use a template."""
    from infra.authoring.edits import alteration
    from infra.commands.authoring import these

    return these(alteration(_key(name), {"is_enabled": True}))


def disable(name: Name) -> "Edits":
    """Let rules use a template no more: their events are rejected."""
    from infra.authoring.edits import alteration
    from infra.commands.authoring import these

    return these(alteration(_key(name), {"is_enabled": False}))


def delete(name: Name) -> "Edits":
    """Delete a template that no enabled rule names; `restore` brings it back."""
    from infra.authoring.edits import deletion
    from infra.commands.authoring import these

    return these(deletion(_key(name)))


def restore(
    name: Name,
    version: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="As `posto templates history` shows it.")],
) -> "Edits":
    """Write a template as it was in an older version, also one that was deleted since; that is a new version."""
    from infra.commands.authoring import restored

    return restored(_key(name), version)


def show(name: Name, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Show a template as it is written, with its etag. `posto templates list` says whether it is in force."""
    from infra.commands import authoring

    authoring.show(_key(name), wait, as_json=as_json)


def history(name: Name, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """List the versions of a template, the newest first: when each was published, by whom, and what it changed."""
    from infra.commands import authoring

    authoring.show_history(_key(name), wait, as_json=as_json)


CHANGES: Final = (create, change, enable, disable, delete, restore)
SHOWN: Final = (show, history)


def _key(name: str) -> "Key":
    from streams.configuration import Key

    return Key(CONFIG_TEMPLATE, name)
