"""A channel that nobody owns: what comes from it is held, visible, and released in order once it is registered."""

import json
import os
from collections.abc import AsyncIterator

import pytest

from streams import topics
from streams.identity import canonical_channel
from tests.e2e.hub import Hub, facts, invoice, number, unique
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

TENANT = 5_151


@pytest.fixture
async def channel(hub: Hub) -> AsyncIterator[str]:
    """The name of a channel that no tenant has yet; its tenant is there."""
    await hub.rows("INSERT INTO tenants (id, name) VALUES (%s, 'Novo')", TENANT)
    name = unique("Canal Novo")
    known = {"id": name, "status": "connected", "emit": False}
    (await hub.http.post(f"{hub.stack.simulator}/_sim/channels", json=known)).raise_for_status()
    yield name
    await hub.rows("DELETE FROM tenant_message_channels WHERE tenant_id = %s", TENANT)
    await hub.rows("DELETE FROM tenants WHERE id = %s", TENANT)
    await hub.publish()


def text(channel: str, contact: str, said: str, kind: str = "chat", key: str | None = None) -> dict[str, object]:
    """A webhook of an inbound message; of a `ciphertext` with an empty text."""
    name = f"false_{contact}@c.us_{key or os.urandom(8).hex().upper()}"
    message = {"id": name, "from": f"{contact}@c.us", "text": said, "timestamp": 1768512935}
    return {
        "event": "message",
        "session": {"id": channel},
        "message": message,
        "raw": {"payload": {"event": "onmessage", "type": kind, "id": name}},
    }


async def test_what_waits_for_a_channel_is_shown_and_released_in_order_once_it_is_registered(
    hub: Hub, channel: str
) -> None:
    canonical, contact, to = canonical_channel(channel), number(), number()
    shared = os.urandom(8).hex().upper()
    said = [text(channel, contact, f"mensagem {n}") for n in range(5)]
    said[2:2] = [text(channel, contact, "", "ciphertext", shared), text(channel, contact, "decifrada", key=shared)]
    for body in said:
        assert (await hub.webhook(body)).status_code == 202
    bills = [(await hub.post(invoice(to, channel=channel, tenant_id=TENANT))).json() for _ in range(2)]

    async def held() -> dict[str, int]:
        done = hub.stack.posto("channels", "quarantine", "--json")
        assert done.returncode == 0, done.stderr
        return {one["channel"]: one["events"] for one in json.loads(done.stdout)}

    async def all_are_held() -> bool:
        return (await held()).get(canonical) == 8

    await eventually(all_are_held, 30)
    assert await hub.rows("SELECT * FROM messages WHERE channel_id = %s", canonical) == []
    assert await hub.messages(to) == []
    assert canonical in hub.stack.posto("channels", "quarantine").stdout

    await hub.kill_worker()
    columns = (TENANT, channel)
    await hub.rows("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)", *columns)
    await hub.publish()

    async def none_is_held() -> bool:
        return canonical not in await held()

    await eventually(none_is_held, 30)
    texts = ["decifrada", *(f"mensagem {n}" for n in range(5))]

    async def all_are_shown() -> bool:
        shown = await hub.rows(
            "SELECT text FROM messages WHERE channel_id = %s AND direction = 'inbound' ORDER BY text", canonical
        )
        return [row["text"] for row in shown] == texts

    await eventually(all_are_shown, 30)
    for bill in bills:
        await hub.outbound(bill["event_id"], "read")
    accepted = await hub.records(
        topics.EVENT_ACCEPTED,
        lambda record: (
            canonical.encode() in (record.key or b"") and any(name == "origin" for name, _ in record.headers)
        ),
    )
    released = facts(accepted)
    assert [event["kind"] for event in released] == ["accepted"] * 3 + ["updated"] + ["accepted"] * 3
    assert [event["payload"].get("text") for event in released] == [
        "mensagem 0", "mensagem 1", None, "decifrada", "mensagem 2", "mensagem 3", "mensagem 4",
    ]  # fmt: skip
    assert [dict(record.headers)["origin"].decode() for record in accepted] == [
        "{topic}/{partition}@{offset}".format(**event["raw"]) for event in released
    ]

    afterwards = unique("depois")
    assert (await hub.webhook(text(channel, contact, afterwards))).status_code == 202
    await hub.row("SELECT * FROM messages WHERE text = %s", afterwards)
    assert len(await hub.messages(to)) == 2
