"""A channel that is disconnected: what is to be sent by it waits, and goes out in order once it is back."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.hub import Hub, invoice, number, unique
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

TENANT = 5_152


@pytest.fixture
async def channel(hub: Hub) -> AsyncIterator[str]:
    """The name of a channel of a tenant of its own, connected."""
    name = unique("Canal Parado")
    await hub.rows("INSERT INTO tenants (id, name) VALUES (%s, 'Parado')", TENANT)
    await hub.rows("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)", TENANT, name)
    await hub.publish()
    await put(hub, name, "connected")
    yield name
    await hub.rows("DELETE FROM tenant_message_channels WHERE tenant_id = %s", TENANT)
    await hub.rows("DELETE FROM tenants WHERE id = %s", TENANT)
    await hub.publish()


async def put(hub: Hub, channel: str, status: str, *, is_told: bool = True) -> None:
    """Let the gateway have the channel in a state, and tell of it by a webhook or not."""
    state = {"id": channel, "status": status, "emit": is_told}
    (await hub.http.post(f"{hub.stack.simulator}/_sim/channels", json=state)).raise_for_status()


async def test_what_is_sent_by_a_disconnected_channel_is_parked_and_goes_out_once_it_is_back(
    hub: Hub, channel: str
) -> None:
    await put(hub, channel, "disconnected", is_told=False)
    to = number()
    one_after_the_other = {"channel": channel, "tenant_id": TENANT, "ordering_key": to}
    bills = [(await hub.post(invoice(to, **one_after_the_other))).json()["event_id"] for _ in range(3)]
    rows = [await hub.outbound(bill, "parked") for bill in bills]
    assert [row["attempts"] for row in rows] == [1, 0, 0]
    assert await hub.messages(to) == []

    await put(hub, channel, "connected")
    for bill in bills:
        await hub.event(bill, "processed")

    async def all_arrived() -> bool:
        return [each["metadata"]["event_id"] for each in await hub.messages(to)] == bills

    await eventually(all_arrived, 30)
