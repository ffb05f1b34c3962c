"""The rows of channels and of the tenants that own them: read with what is known of them, and changed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adapters.mysql.pool import Database, Row, Session
from schemas.configuration import WPP_GATEWAY
from streams.identity import canonical_channel


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One channel as authored, with the state that webhooks told last and when it was heard of. Times are UTC.

    `id` is canonical, `channel_id` the gateway's exact spelling.
    """

    id: str
    row_id: int
    tenant_id: int
    tenant_name: str
    tenant_is_enabled: bool
    channel_id: str
    display_name: str | None
    is_enabled: bool
    webhook_configured: bool
    webhook_set_at: datetime | None
    metadata: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    state: str | None = None
    state_at: datetime | None = None
    last_inbound_at: datetime | None = None
    last_outbound_at: datetime | None = None
    last_ack_at: datetime | None = None


class TenantRow(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant as authored, and its channel as its row spells it."""

    id: int
    name: str
    time_zone: str
    is_enabled: bool
    channel_id: str | None
    created_at: datetime
    updated_at: datetime


async def lock_channels(session: Session) -> None:
    """Let nobody else change a channel until the transaction ends. Their health is not locked: it is projected."""
    await session.fetch("SELECT id FROM tenant_message_channels WHERE provider = %s FOR UPDATE", (WPP_GATEWAY,))


async def all_channels(db: Database | Session) -> list[ChannelRow]:
    """All channels of the gateway, by canonical id."""
    rows = await db.fetch(_CHANNELS, (WPP_GATEWAY,))
    return sorted((_channel(row) for row in rows), key=lambda row: row.id)


async def one_channel(db: Database | Session, named: str) -> ChannelRow | None:
    """The channel of a name, in any spelling."""
    canonical = canonical_channel(named)
    alike = await db.fetch(f"{_CHANNELS} AND channel.canonical_channel IN (%s, %s)", (WPP_GATEWAY, canonical, named))
    found = [_channel(row) for row in alike]
    if not any(row.id == canonical for row in found):
        found = await all_channels(db)  # MySQL folds fewer letters than we do, so its index may not find it
    return next((row for row in found if row.id == canonical), None)


async def page_of_channels(db: Database, *, after: int, limit: int, filters: Mapping[str, Any]) -> list[ChannelRow]:
    """The channels with a row id above `after`, by it; `filters` by the names of `CHANNEL_FILTERS`, None for any."""
    return [_channel(row) for row in await _page(db, _CHANNELS, "channel.id", CHANNEL_FILTERS, after, limit, filters)]


async def page_of_tenants(db: Database, *, after: int, limit: int, filters: Mapping[str, Any]) -> list[TenantRow]:
    """The tenants with an id above `after`, by it; `filters` by the names of `TENANT_FILTERS`, None for any."""
    return [_tenant(row) for row in await _page(db, _TENANTS, "tenant.id", TENANT_FILTERS, after, limit, filters)]


async def _page(
    db: Database,
    select: str,
    key: str,
    conditions: Mapping[str, str],
    after: int,
    limit: int,
    filters: Mapping[str, Any],
) -> list[Row]:
    given = {name: value for name, value in filters.items() if value is not None}
    where = " AND ".join((f"{key} > %s", *(conditions[name] for name in given)))
    return await db.fetch(f"{select} AND {where} ORDER BY {key} LIMIT %s", (WPP_GATEWAY, after, *given.values(), limit))


async def all_tenants(db: Database | Session) -> list[TenantRow]:
    """All tenants, by id."""
    return [_tenant(row) for row in await db.fetch(f"{_TENANTS} ORDER BY tenant.id", (WPP_GATEWAY,))]


async def tenant(db: Database | Session, tenant_id: int, *, lock: bool = False) -> TenantRow | None:
    """One tenant."""
    found = await db.fetch(f"{_TENANTS} AND tenant.id = %s{_LOCK if lock else ''}", (WPP_GATEWAY, tenant_id))
    return _tenant(found[0]) if found else None


async def add_tenant(session: Session, name: str, time_zone: str) -> int:
    """Write a tenant down; its id."""
    await session.execute("INSERT INTO tenants (name, time_zone) VALUES (%s, %s)", (name, time_zone))
    return int((await session.fetch("SELECT LAST_INSERT_ID() AS id"))[0]["id"])


async def change_tenant(session: Session, tenant_id: int, changes: Mapping[str, Any]) -> None:
    """Change columns of a tenant."""
    await _change(session, "tenants", tenant_id, changes)


async def add_channel(session: Session, tenant_id: int, channel_id: str, display_name: str | None) -> None:
    """Write down whose channel it is."""
    await session.execute(_ADD_CHANNEL, (tenant_id, WPP_GATEWAY, channel_id, display_name))


async def change_channel(session: Database | Session, row_id: int, changes: Mapping[str, Any]) -> None:
    """Change columns of a channel."""
    await _change(session, "tenant_message_channels", row_id, changes)


async def _change(session: Database | Session, table: str, row_id: int, changes: Mapping[str, Any]) -> None:
    columns = ", ".join(f"{column} = %s" for column in changes)
    values: Sequence[Any] = [
        msgspec.json.encode(value).decode() if isinstance(value, dict) else value for value in changes.values()
    ]
    await session.execute(f"UPDATE {table} SET {columns} WHERE id = %s", (*values, row_id))  # noqa: S608 (ours)


def _channel(row: Row) -> ChannelRow:
    metadata = None if row["metadata"] is None else msgspec.json.decode(row["metadata"])
    known = {**row, "id": canonical_channel(row["channel_id"]), "metadata": metadata}
    return msgspec.convert(_plain(known), ChannelRow)


def _tenant(row: Row) -> TenantRow:
    return msgspec.convert(_plain(row), TenantRow)


def _plain(row: Row) -> Row:
    """Numbers as truth values where the column is one, times with their zone."""
    return {
        name: bool(value)
        if name.endswith(("is_enabled", "webhook_configured"))
        else value.replace(tzinfo=UTC)
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }


_CHANNELS: Final = """
SELECT channel.id AS row_id, channel.tenant_id, tenant.name AS tenant_name, tenant.is_enabled AS tenant_is_enabled,
       channel.channel_id, channel.display_name, channel.is_enabled, channel.webhook_configured, channel.webhook_set_at,
       channel.metadata,
       channel.created_at, channel.updated_at,
       health.state, health.state_at, health.last_inbound_at, health.last_outbound_at, health.last_ack_at
FROM tenant_message_channels AS channel
JOIN tenants AS tenant ON tenant.id = channel.tenant_id
LEFT JOIN channel_health AS health ON health.channel_id = channel.canonical_channel
WHERE channel.provider = %s
"""
_TENANTS: Final = """
SELECT tenant.id, tenant.name, tenant.time_zone, tenant.is_enabled, tenant.created_at, tenant.updated_at,
       channel.channel_id
FROM tenants AS tenant
LEFT JOIN tenant_message_channels AS channel ON channel.tenant_id = tenant.id AND channel.provider = %s
WHERE TRUE
"""
CHANNEL_FILTERS: Final = {
    "tenant": "channel.tenant_id = %s",
    "enabled": "(channel.is_enabled AND tenant.is_enabled) = %s",
    "webhook": "channel.webhook_configured = %s",
    "state": "health.state = %s",
    "text": "LOCATE(LOWER(%s), LOWER(CONCAT_WS(' ', channel.channel_id, channel.display_name, tenant.name))) > 0",
}
TENANT_FILTERS: Final = {
    "enabled": "tenant.is_enabled = %s",
    "text": "LOCATE(LOWER(%s), LOWER(tenant.name)) > 0",
}
_LOCK: Final = " FOR UPDATE"
_ADD_CHANNEL: Final = (
    "INSERT INTO tenant_message_channels (tenant_id, provider, channel_id, display_name) VALUES (%s, %s, %s, %s)"
)

__all__ = [
    "CHANNEL_FILTERS",
    "TENANT_FILTERS",
    "ChannelRow",
    "TenantRow",
    "add_channel",
    "add_tenant",
    "all_channels",
    "all_tenants",
    "change_channel",
    "change_tenant",
    "lock_channels",
    "one_channel",
    "page_of_channels",
    "page_of_tenants",
    "tenant",
]
