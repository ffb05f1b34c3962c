"""Tenants of the bench's own with a channel each: registered, connected at the simulator, and gone again afterwards."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.e2e.hub import Hub

_FIRST_TENANT: Final = 50_000
_NAME: Final = "bench"


def tenant_of(channel: str) -> int:
    """The tenant that a channel of the bench belongs to."""
    return _FIRST_TENANT + int(channel.removeprefix(_NAME))


@asynccontextmanager
async def channels(hub: Hub, count: int) -> AsyncIterator[Sequence[str]]:
    """The canonical ids of so many channels, which send neither echoes nor acks meanwhile.

    A gateway's webhooks cost the machine that makes them: here that is ours, which has two cores for everything.
    """
    names = [f"{_NAME}{number:03d}" for number in range(count)]
    for name in names:
        tenant = tenant_of(name)
        await hub.rows("INSERT INTO tenants (id, name) VALUES (%s, %s)", tenant, name)
        await hub.rows("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)", tenant, name)
        await _told(hub, "POST", "channels", {"id": name, "status": "connected", "emit": False})
    await hub.publish()
    before = await _told(hub, "GET", "config")
    await _told(hub, "PATCH", "config", {"emit_echo": False, "acks": []})
    try:
        yield names
    finally:
        await _told(hub, "PATCH", "config", {name: before[name] for name in ("emit_echo", "acks")})
        await hub.rows("DELETE FROM tenant_message_channels WHERE tenant_id >= %s", _FIRST_TENANT)
        await hub.rows("DELETE FROM tenants WHERE id >= %s", _FIRST_TENANT)
        await hub.publish()


async def delivered(hub: Hub) -> int:
    """How many messages the simulator has delivered."""
    return int((await _told(hub, "GET", "messages?limit=0"))["delivered_total"])


async def messages(hub: Hub) -> list[dict[str, Any]]:
    """All that the simulator has delivered, in its order."""
    found: list[dict[str, Any]] = (await _told(hub, "GET", "messages?limit=1000000"))["messages"]
    return found


async def forget_messages(hub: Hub) -> None:
    """Let the simulator forget what it delivered."""
    await _told(hub, "DELETE", "messages")


async def _told(hub: Hub, method: str, path: str, body: Any = None) -> Any:
    answer = await hub.http.request(method, f"{hub.stack.simulator}/_sim/{path}", json=body)
    answer.raise_for_status()
    return answer.json()
