"""What the commands about tenants and channels share: their context, and the set-up followed in a terminal."""

import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from adapters.mysql.channels import ChannelRow
from infra import channels_view, qr_codes
from infra.audit import actor_of
from infra.channels import registry, test_message
from infra.channels.calls import PATIENT
from infra.channels.effects import Actor, put_in_force
from infra.channels.following import follow
from infra.channels.setup import Setup
from infra.context import Context, opened
from infra.settings import load
from streams.channel_setup import Step

T = TypeVar("T")

TEST_SECONDS = 30.0


def person(by: str | None) -> Actor:
    """Who acts: as they say, else the login."""
    return Actor(actor_of(by))


async def with_context(work: Callable[[Context], Awaitable[T]]) -> T:
    """The result of work that needs a context, which is closed afterwards."""
    async with opened(load()) as context:
        return await work(context)


def written(found: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print what was found, as JSON or line by line."""
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        for line in lines:
            typer.echo(line)


def to_stderr(line: str) -> None:
    """Say what is going on beside the result."""
    typer.echo(line, err=True)


async def connected(
    tenant: str,
    channel: str | None,
    display_name: str | None,
    test_to: str | None,
    png: Path | None,
    by: str | None,
    wait: float,
    *,
    as_json: bool,
) -> None:
    """`posto channels connect`."""
    show = _Shown(png, as_json=as_json)
    async with opened(load()) as context:
        owner = await registry.tenant_named(context, tenant)
        setup = Setup(context, person(by), PATIENT, show.line)
        async with context.db.transaction() as session:
            row = await setup.begin(session, owner.id, channel, display_name)
        reached = await put_in_force(context, row.channel_id)
        show.line(f"Channel {row.channel_id!r} is at the gateway, and tenant {owner.id}'s ({owner.name}). {reached}")
        await _followed(context, setup, row, test_to, by, wait, show)


async def reconnected(
    channel: str, test_to: str | None, png: Path | None, by: str | None, wait: float, *, as_json: bool
) -> None:
    """`posto channels reconnect`."""
    show = _Shown(png, as_json=as_json)
    async with opened(load()) as context:
        setup = Setup(context, person(by), PATIENT, show.line)
        row = await registry.channel(context, channel)
        await setup.start(row.channel_id)
        show.line(f"The gateway starts the session of {row.channel_id!r} again.")
        await _followed(context, setup, row, test_to, by, wait, show)


async def tested(context: Context, who: Actor, row: ChannelRow, to: str, text: str | None, wait: float) -> bool:
    """Send a test message and follow it; whether an ack of it came in."""
    message = await test_message.send(context, who, row, to, text or test_message.TEXT)
    found = await test_message.followed(context, message, wait)
    if found.is_acked:
        to_stderr(f"The test message was {found.status}: the gateway sends, and its webhooks arrive.")
    else:
        why = found.error or f"it is {found.status or 'not with a sender yet'} after {wait:g} s"
        to_stderr(f"No ack of the test message came in: {why}. `posto trace {message.event_id}` shows how far it came.")
    return found.is_acked


class _Shown:
    """Lines and codes on the terminal; on stderr where stdout is for JSON."""

    def __init__(self, png: Path | None, *, as_json: bool) -> None:
        self._png = png
        self.as_json = as_json
        self._is_terminal = (sys.stderr if as_json else sys.stdout).isatty()
        self._since_code = 0  # lines of the last code, and below it

    def line(self, line: str) -> None:
        """Say what is going on."""
        typer.echo(line, err=self.as_json)
        self._since_code += bool(self._since_code)

    def qr(self, text: str) -> None:
        """Show a code, on a terminal in the place of the last one."""
        if self._png is not None:
            self._png.touch(mode=0o600)  # whoever scans it takes the channel over
            self._png.write_bytes(qr_codes.png(text))
        drawn = qr_codes.in_terminal(text).splitlines()
        if self._is_terminal and self._since_code:
            typer.echo(f"\x1b[{self._since_code}A\x1b[J", nl=False, err=self.as_json)
        if self._is_terminal and shutil.get_terminal_size().columns < len(drawn[0]):
            drawn = [f"This terminal is narrower than the code ({len(drawn[0])} columns): make it wider, or use --png."]
        for line in (*drawn, ""):
            typer.echo(line, err=self.as_json)
        self._since_code = len(drawn) + 1


async def _followed(
    context: Context, setup: Setup, row: ChannelRow, test_to: str | None, by: str | None, wait: float, show: _Shown
) -> None:
    standing = await follow(context, setup, row.channel_id, tell=show.line, show_qr=show.qr, seconds=wait)
    is_well = True
    if test_to is not None:
        is_well = await tested(context, person(by), standing.row, test_to, None, TEST_SECONDS)
        standing = await setup.standing(row.channel_id)
    if show.as_json:
        typer.echo(msgspec.json.encode(standing).decode())
    else:
        done = "works" if standing.next_step is Step.DONE else "is connected, and its webhook is set"
        show.line(f"Channel {row.channel_id!r} {done}. To do: {channels_view.told(standing.next_step, standing.row)}.")
    if not is_well:
        raise typer.Exit(1)
