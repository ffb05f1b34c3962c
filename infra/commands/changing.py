"""Turns a function that says which edits are wanted into a command with all options of a change."""

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

from infra.commands.options import (
    WAIT_SECONDS,
    AsJson,
    By,
    Confirm,
    IfMatch,
    IsDry,
    Last,
    Show,
    ShowPersonal,
    Wait,
    Why,
)
from schemas.proposals import LISTED, LOOKED_AT

if TYPE_CHECKING:
    from infra.commands.authoring import Edits


def add_to(app: typer.Typer, changes: "Iterable[Callable[..., Edits]]", shown: Iterable[Callable[..., None]]) -> None:
    """Put commands that change something, and others that show it, beside those that an app has."""
    for wanted in changes:
        app.command(name=wanted.__name__)(changing(wanted))
    for command in shown:
        app.command(name=command.__name__)(command)


def changing(wanted: "Callable[..., Edits]") -> Callable[..., None]:
    """The command: it takes what `wanted` takes and the options below, and makes the edits, or tries them out."""
    own, common = inspect.signature(wanted).parameters, inspect.signature(_options).parameters

    def command(**given: Any) -> None:
        from infra.commands.authoring import Change, carry_out

        options = {name: given.pop(name) for name in common}
        options["confirm"] = options["confirm"] or ()
        carry_out(wanted(**given), Change(**options))

    every = [*own.values(), *common.values()]
    command.__doc__ = wanted.__doc__
    command.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
    return command


def _options(
    *,
    by: By = None,
    why: Why = None,
    confirm: Confirm = None,
    if_match: IfMatch = None,
    is_dry: IsDry = False,
    last: Last = LOOKED_AT,
    show: Show = LISTED,
    show_personal: ShowPersonal = False,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """The options of every change."""
