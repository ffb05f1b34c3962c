"""Who owns which channel: tenants and channels as authored, each change checked and on record."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from adapters.mysql import channels as sql
from adapters.mysql.channels import ChannelRow, TenantRow
from adapters.mysql.pool import Session
from infra.channels.effects import Actor, record
from infra.context import Context
from infra.errors import ConflictError, InvalidError, UnknownError
from schemas.audit import AuditAction
from schemas.configuration import Channel, Tenant
from streams.identity import canonical_channel
from streams.soundness import fault_of
from streams.templates import zone

LONGEST_CHANNEL: Final = 100
LONGEST_NAME: Final = 191

ChannelCheck = Callable[[ChannelRow], None]
TenantCheck = Callable[[TenantRow], None]


def _any(_: ChannelRow | TenantRow) -> None:
    """No condition on what is changed."""


async def tenants(context: Context) -> list[TenantRow]:
    """All tenants, by id."""
    return await sql.all_tenants(context.db)


async def tenant_named(context: Context, named: str) -> TenantRow:
    """The tenant of an id or a name; UnknownError where there is none, ConflictError where several have the name."""
    everyone = await tenants(context)
    found = [each for each in everyone if str(each.id) == named.strip()]
    found = found or [each for each in everyone if each.name.casefold() == named.strip().casefold()]
    if not found:
        raise UnknownError(
            f"There is no tenant {named!r}: `posto tenants list` shows all, `posto tenants add` adds one."
        )
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise ConflictError(f"Several tenants are named {named!r}: say which one by its id ({ids}).")
    return found[0]


async def tenant(context: Context, tenant_id: int) -> TenantRow:
    """One tenant; UnknownError where there is none of this id."""
    found = await sql.tenant(context.db, tenant_id)
    return _known(found, tenant_id)


async def add_tenant(context: Context, session: Session, actor: Actor, name: str, time_zone: str) -> TenantRow:
    """Add a tenant, once the session's transaction ends."""
    name, time_zone = checked_name("name", name), checked_zone(time_zone)
    tenant_id = await sql.add_tenant(session, name, time_zone)
    await record(context, actor, AuditAction.TENANT_ADDED, f"tenant:{tenant_id}", name=name, time_zone=time_zone)
    return _known(await sql.tenant(session, tenant_id), tenant_id)


async def change_tenant(
    context: Context, actor: Actor, tenant_id: int, changes: Mapping[str, Any], check: TenantCheck = _any
) -> TenantRow:
    """Change a tenant's name, time zone or whether it is enabled; its channel follows."""
    if "name" in changes:
        changes = {**changes, "name": checked_name("name", changes["name"])}
    if "time_zone" in changes:
        checked_zone(changes["time_zone"])
    async with context.db.transaction() as session:
        before = _known(await sql.tenant(session, tenant_id, lock=True), tenant_id)
        check(before)
        if what := _news(before, changes):
            await sql.change_tenant(session, tenant_id, what)
            await record(context, actor, AuditAction.TENANT_CHANGED, f"tenant:{tenant_id}", **_told(before, what))
    return await tenant(context, tenant_id)


async def channels(context: Context) -> list[ChannelRow]:
    """All channels, by canonical id."""
    return await sql.all_channels(context.db)


async def channel(context: Context, named: str) -> ChannelRow:
    """The channel of a name, in any spelling; UnknownError where nobody owns it."""
    return _there(await sql.one_channel(context.db, named), named)


async def free_for(context: Context, tenant_id: int, channel_id: str) -> ChannelRow | None:
    """The row of a tenant's channel where it has this one; None where it may get it.

    UnknownError where there is no such tenant, ConflictError where it has another channel or another tenant has this
    one, InvalidError where it is no name of a channel.
    """
    channel_id = checked_channel(channel_id)
    owner = await tenant(context, tenant_id)
    return _owned(await channels(context), owner, channel_id)


async def register(
    context: Context, session: Session, actor: Actor, tenant_id: int, channel_id: str, display_name: str | None
) -> ChannelRow:
    """Write down that a channel, in the gateway's exact spelling, is a tenant's, once the session's transaction ends.

    Once more changes nothing. Raises what `free_for` raises. To be put in force afterwards.
    """
    channel_id = checked_channel(channel_id)
    if display_name is not None:
        display_name = checked_name("display_name", display_name)
    owner = _known(await sql.tenant(session, tenant_id, lock=True), tenant_id)
    await sql.lock_channels(session)
    row = _owned(await sql.all_channels(session), owner, channel_id)
    if row is None:
        await sql.add_channel(session, tenant_id, channel_id, display_name)
        row = _there(await sql.one_channel(session, channel_id), channel_id)
        detail = {"tenant_id": tenant_id, "channel_id": channel_id}
        await record(context, actor, AuditAction.CHANNEL_REGISTERED, f"channel:{row.id}", None, **detail)
    return row


async def change_channel(
    context: Context, actor: Actor, named: str, changes: Mapping[str, Any], check: ChannelCheck = _any
) -> ChannelRow:
    """Change a channel's display name, its metadata or whether it is enabled."""
    if changes.get("display_name") is not None:
        changes = {**changes, "display_name": checked_name("display_name", changes["display_name"])}
    async with context.db.transaction() as session:
        await sql.lock_channels(session)
        before = _there(await sql.one_channel(session, named), named)
        check(before)
        if what := _news(before, changes):
            _require_sound(before, what)
            await sql.change_channel(session, before.row_id, what)
            await record(context, actor, AuditAction.CHANNEL_CHANGED, f"channel:{before.id}", **_told(before, what))
    return await channel(context, before.channel_id)


async def move(
    context: Context, actor: Actor, named: str, tenant_id: int, reason: str, check: ChannelCheck = _any
) -> ChannelRow:
    """Hand a channel over to another tenant. What the former one has under way fails with `channel_changed`.

    ConflictError where the other tenant has a channel already.
    """
    async with context.db.transaction() as session:
        owner = _known(await sql.tenant(session, tenant_id, lock=True), tenant_id)
        await sql.lock_channels(session)
        before = _there(await sql.one_channel(session, named), named)
        check(before)
        if before.tenant_id == tenant_id:
            return before
        if owner.channel_id is not None:
            raise ConflictError(_has_another(owner, owner.channel_id))
        await sql.change_channel(session, before.row_id, {"tenant_id": tenant_id})
        detail = {"from_tenant_id": before.tenant_id, "to_tenant_id": tenant_id}
        await record(context, actor, AuditAction.CHANNEL_MOVED, f"channel:{before.id}", reason, **detail)
    return await channel(context, before.channel_id)


def suggested_channel(owner: TenantRow) -> str:
    """A name for a tenant's first channel: the letters and digits of its own name, without accents."""
    plain = unicodedata.normalize("NFKD", owner.name).casefold()
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum()) or f"tenant{owner.id}"


def checked_channel(channel_id: str) -> str:
    """The name of a channel as it was given; InvalidError where the gateway could have none of it."""
    is_plain = channel_id == channel_id.strip() and channel_id.isprintable() and "/" not in channel_id
    if not is_plain or not canonical_channel(channel_id).strip("."):
        raise InvalidError(
            f"channel_id: {channel_id!r} is no name of a channel: give letters and digits, without a slash, and no "
            "blanks around them.",
            "body.channel_id",
        )
    if len(channel_id) > LONGEST_CHANNEL:
        raise InvalidError(f"channel_id: has more than {LONGEST_CHANNEL} characters.", "body.channel_id")
    return channel_id


def checked_name(field: str, name: str) -> str:
    """A name for people, on one line."""
    name = " ".join(name.split())
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidError(
            f"{field}: must say something, in at most {LONGEST_NAME} printable characters.", f"body.{field}"
        )
    return name


def checked_zone(name: str) -> str:
    """An IANA name of a time zone."""
    if zone(name) is None:
        raise InvalidError(f"time_zone: {name!r} is no IANA name such as America/Sao_Paulo.", "body.time_zone")
    return name


def _owned(everything: Sequence[ChannelRow], owner: TenantRow, channel_id: str) -> ChannelRow | None:
    canonical = canonical_channel(channel_id)
    for row in everything:
        if row.id == canonical and row.tenant_id != owner.id:
            raise ConflictError(
                f"Channel {channel_id!r} belongs to tenant {row.tenant_id} ({row.tenant_name}), as {row.channel_id!r}: "
                f"one channel has one owner. `posto channels move` hands it over."
            )
        if row.tenant_id == owner.id and row.id != canonical:
            raise ConflictError(_has_another(owner, row.channel_id))
    return next((row for row in everything if row.id == canonical), None)


def _has_another(owner: TenantRow, channel_id: str) -> str:
    return (
        f"Tenant {owner.id} ({owner.name}) has the channel {channel_id!r} already: one channel per tenant and "
        f"provider. Move that one to another tenant first, or use it."
    )


def _there(found: ChannelRow | None, named: str) -> ChannelRow:
    if found is None:
        raise UnknownError(
            f"No tenant has a channel {named!r}: `posto channels list` shows all, `posto channels connect` makes one."
        )
    return found


def _require_sound(before: ChannelRow, what: Mapping[str, Any]) -> None:
    """InvalidError where the channel could not be put in force so."""
    owner = Tenant(id=before.tenant_id, name=before.tenant_name)
    metadata = what.get("metadata", before.metadata)
    fault = fault_of(Channel(id=before.id, channel_id=before.channel_id, tenant=owner, metadata=metadata))
    if fault is not None and "metadata" in what:
        raise InvalidError(f"{fault}.", "body.metadata")


def _known(found: TenantRow | None, tenant_id: int) -> TenantRow:
    if found is None:
        raise UnknownError(f"There is no tenant {tenant_id}: `posto tenants list` shows all.")
    return found


def _news(before: ChannelRow | TenantRow, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if getattr(before, name) != value}


def _told(before: ChannelRow | TenantRow, what: dict[str, Any]) -> dict[str, Any]:
    return {"from": {name: getattr(before, name) for name in what}, "to": what}
