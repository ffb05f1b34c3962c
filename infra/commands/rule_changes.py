"""The commands of `posto rules` that change rules, or show one with its history."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait
from streams.topics import CONFIG_RULE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.mysql.pool import Session
    from infra.authoring.edits import Edit
    from infra.commands.authoring import Edits
    from streams.configuration import Key

Id = Annotated[str, typer.Argument(metavar="ID", help="The rule.")]
Fields = Annotated[
    list[str], typer.Argument(metavar="FIELD=VALUE...", help="As action=whatsapp; objects are JSON, nothing is none.")
]


def create(rule: Id, fields: Fields) -> "Edits":
    """Make a rule, and put it in force. What is rarely meant is refused unless it is confirmed.

    Fields: event_type, action, source_system, conditions, template, policy, priority, is_enabled, send_window, pace,
    ttl_seconds, metadata. Exit code 4 where it is saved and a worker has not applied it yet.

    - `posto rules create customer.welcome event_type=customer.created action=whatsapp template=welcome --dry-run` says
      what would differ over the last events, and saves nothing; `--last 100000` looks at more of them.
    - `posto rules create customer.welcome event_type=customer.created action=whatsapp template=welcome`
    """
    from infra.authoring.edits import creation
    from infra.authoring.fields import parsed
    from infra.commands.authoring import these

    return these(creation(_key(rule), parsed(fields)))


def change(rule: Id, fields: Fields) -> "Edits":
    """Change fields of a rule; the others stay as they are.

    - `posto rules change customer.welcome priority=50 'conditions={"payload.amount": {"$gte": 50}}'`
    - `posto rules change customer.welcome conditions= --if-match ETAG` only where it still is what you saw.
    """
    from infra.authoring.edits import alteration
    from infra.authoring.fields import parsed
    from infra.commands.authoring import these

    return these(alteration(_key(rule), parsed(fields)))


def enable(rule: Id) -> "Edits":
    """Let a rule apply."""
    from infra.authoring.edits import alteration
    from infra.commands.authoring import these

    return these(alteration(_key(rule), {"is_enabled": True}))


def disable(rule: Id) -> "Edits":
    """Let a rule apply no more, and keep it."""
    from infra.authoring.edits import alteration
    from infra.commands.authoring import these

    return these(alteration(_key(rule), {"is_enabled": False}))


def delete(rule: Id) -> "Edits":
    """Delete a rule; `restore` brings it back."""
    from infra.authoring.edits import deletion
    from infra.commands.authoring import these

    return these(deletion(_key(rule)))


def order(
    rules: Annotated[list[str], typer.Argument(metavar="ID ID...", help="The rules, the one that comes first first.")],
) -> "Edits":
    """Give rules the priorities by which they come one after the other.

    Priorities decide between rules of one event type and source; a more exact rule comes first whatever they are.
    """

    async def edits(session: "Session") -> "Sequence[Edit]":
        from infra.authoring.ordering import ordering

        return await ordering(session, rules)

    return edits


def restore(
    rule: Id,
    version: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="As `posto rules history` shows it.")],
) -> "Edits":
    """Write a rule as it was in an older version, also one that was deleted since; that is a new version.

    - `posto rules restore customer.welcome 3 --why "the new one was too eager"`
    """
    from infra.commands.authoring import restored

    return restored(_key(rule), version)


def show(rule: Id, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Show a rule as it is written, with its etag. `posto rules list` says whether it is in force."""
    from infra.commands import authoring

    authoring.show(_key(rule), wait, as_json=as_json)


def history(rule: Id, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """List the versions of a rule, the newest first: when each was published, by whom, and what it changed."""
    from infra.commands import authoring

    authoring.show_history(_key(rule), wait, as_json=as_json)


CHANGES: Final = (create, change, enable, disable, delete, order, restore)
SHOWN: Final = (show, history)


def _key(rule: str) -> "Key":
    from streams.configuration import Key

    return Key(CONFIG_RULE, rule)
