"""`posto chat`: conversations, read and answered."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.commands.options import WAIT_SECONDS, AsJson, Wait

if TYPE_CHECKING:
    from infra.conversations.changing import Wish

app = typer.Typer(
    help="List, read and answer conversations; assign, close and open them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

Which = Annotated[
    str,
    typer.Argument(
        metavar="CONVERSATION", help="Its id, as `canalum:554799990001`, or the phone, lid or group in any spelling."
    ),
]
Channel = Annotated[str | None, typer.Option("--channel", help="Of this channel, in any spelling.")]
ShowPersonal = Annotated[
    bool, typer.Option("--show-personal", help="Show phones, names and texts, which are masked otherwise.")
]
By = Annotated[str | None, typer.Option("--by", help="Who does it.", show_default="your login")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for those who ask later.")]


@app.command("list")
def list_(
    tenant: Annotated[int | None, typer.Option("--tenant", help="Of this tenant.")] = None,
    channel: Channel = None,
    status: Annotated[str | None, typer.Option("--status", help="open or closed.")] = None,
    unread: Annotated[bool, typer.Option("--unread", help="Only those with unread messages.")] = False,
    assigned_to: Annotated[
        str | None, typer.Option("--assigned-to", help="Those that this person takes care of.")
    ] = None,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only those of which nobody takes care.")] = False,
    contact: Annotated[
        str | None, typer.Option("--contact", help="With this person: a phone, lid or group in any spelling.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="At most so many.")] = 50,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """List conversations, those with the newest message first.

    - `posto chat list --status open --unread` lists what waits for an answer.
    - `posto chat list --contact "+55 47 99999-0001" --show-personal` lists those with one person.
    """
    from infra.context import opened
    from infra.conversations import view
    from infra.conversations.reading import contacts_of, walked
    from infra.settings import load
    from streams.identity import canonical_channel

    async def find() -> list[dict[str, Any]]:
        async with opened(load()) as context:
            filters = {
                "tenant": tenant,
                "channel": channel and canonical_channel(channel),
                "status": status,
                "unread": unread or None,
                "assigned_to": assigned_to,
                "unassigned": unassigned or None,
                "contacts": await contacts_of(context.db, contact) if contact else None,
            }
            return await walked(context.db, filters, limit)

    found = asyncio.run(find())
    shown = found if show_personal else [view.discreet(one) for one in found]
    if as_json:
        _print(shown)
        return
    for line in view.lines(shown):
        typer.echo(line)


@app.command()
def show(
    conversation: Which,
    channel: Channel = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="At most so many messages.")] = 50,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """Show a conversation with its newest messages: who said what, with the state of each.

    - `posto chat show 5547999990001 --show-personal`
    """
    from infra.context import opened
    from infra.conversations import view
    from infra.conversations.reading import named, newest
    from infra.conversations.replying import answerable
    from infra.settings import load

    async def find() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with opened(load()) as context:
            one = await answerable(context.db, await named(context.db, conversation, channel))
            return one, await newest(context.db, one["id"], limit)

    one, messages = asyncio.run(find())
    if not show_personal:
        one, messages = view.discreet(one), [view.discreet(message) for message in messages]
    if as_json:
        _print(one | {"messages": messages})
        return
    for line in view.whole(one, messages):
        typer.echo(line)


@app.command()
def reply(
    conversation: Which,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is sent; - reads it from standard input.")],
    channel: Channel = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Your own id of this reply: used again, nothing more is sent.")
    ] = None,
    by: By = None,
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Answer in a conversation, to exactly the id that the network used last in it.

    - `posto chat reply 5547999990001 "Bom dia, Ana! Já verifico."`
    - `posto chat reply canalum:100000000000001@lid - < answer.txt`
    """
    import sys
    from uuid import uuid4

    from infra.audit import actor_of
    from infra.context import opened
    from infra.conversations.reading import named
    from infra.conversations.replying import Replied
    from infra.conversations.replying import reply as send
    from infra.settings import load

    async def do() -> Replied:
        async with opened(load(), wait) as context:
            one = await named(context.db, conversation, channel)
            author = actor_of(by)
            said = sys.stdin.read() if text == "-" else text
            return await send(context, one["id"], said, author=author, external_id=f"{author}:{key or uuid4()}")

    sent = asyncio.run(do())
    if as_json:
        _print(sent)
    else:
        typer.echo(f"On its way as event {sent.event_id}: `posto trace {sent.event_id}` follows it.")


@app.command()
def assign(
    conversation: Which,
    to: Annotated[str | None, typer.Option("--to", help="Who takes care of it.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Nobody takes care of it any more.")] = False,
    channel: Channel = None,
    by: By = None,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Say who takes care of a conversation; without --to, who says it does.

    - `posto chat assign 5547999990001 --to Ana`
    """
    from infra.audit import actor_of
    from infra.conversations.changing import Wish
    from infra.errors import InvalidError

    if to and nobody:
        raise InvalidError("--to and --nobody are two things: choose one.")
    assignee = None if nobody else to or actor_of(by)
    _change(conversation, channel, Wish(assigned_to=assignee), by, wait)


@app.command()
def close(
    conversation: Which, reason: Reason = None, channel: Channel = None, by: By = None, wait: Wait = WAIT_SECONDS
) -> None:
    """Say that nothing is left to do: the next message that comes in opens it again.

    - `posto chat close 5547999990001 --reason "paid"`
    """
    from infra.conversations.changing import Wish
    from schemas.conversations import ConversationStatus

    _change(conversation, channel, Wish(status=ConversationStatus.CLOSED, reason=reason), by, wait)


@app.command()
def reopen(
    conversation: Which, reason: Reason = None, channel: Channel = None, by: By = None, wait: Wait = WAIT_SECONDS
) -> None:
    """Say that there is something to do again.

    - `posto chat reopen 5547999990001`
    """
    from infra.conversations.changing import Wish
    from schemas.conversations import ConversationStatus

    _change(conversation, channel, Wish(status=ConversationStatus.OPEN, reason=reason), by, wait)


@app.command()
def read(
    conversation: Which,
    undo: Annotated[bool, typer.Option("--undo", help="The last message that came in counts as unread again.")] = False,
    channel: Channel = None,
    by: By = None,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Say that all that has come in was read.

    - `posto chat read 5547999990001`
    """
    from infra.conversations.changing import Wish

    _change(conversation, channel, Wish(is_read=not undo), by, wait)


def _change(conversation: str, channel: str | None, wish: "Wish", by: str | None, wait: float) -> None:
    from infra.audit import actor_of
    from infra.context import opened
    from infra.conversations import view
    from infra.conversations.changing import change
    from infra.conversations.reading import named
    from infra.settings import load

    async def do() -> dict[str, Any]:
        async with opened(load(), wait) as context:
            one = await named(context.db, conversation, channel)
            return await change(context, one["id"], wish, by=actor_of(by), wait=wait)

    for line in view.lines([view.discreet(asyncio.run(do()))]):
        typer.echo(line)


def _print(shown: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(shown).decode())
