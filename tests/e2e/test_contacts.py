"""Who writes under a lid is looked up once, is one person with the phone, and stays apart once an operator says so."""

import os
from typing import Any

import pytest

from streams import identity, topics
from tests.e2e.hub import CHANNEL, Hub, facts, number, unique

pytestmark = pytest.mark.e2e


def fresh_lid() -> str:
    """A synthetic lid of the test's own."""
    return f"{10**14 + int.from_bytes(os.urandom(5))}@lid"


async def says(hub: Hub, lid: str) -> None:
    """A message comes in from a lid, and is in its conversation."""
    text = unique("Bom dia")
    body = {"channel": CHANNEL, "from": lid, "text": text}
    (await hub.http.post(f"{hub.stack.simulator}/_sim/inbound", json=body)).raise_for_status()
    await hub.row("SELECT * FROM messages WHERE text = %s", text)


def carrying_both(lid: str, phone: str) -> dict[str, Any]:
    """A webhook of an older message in which the gateway tells the lid's phone by itself."""
    key = {"id": unique("3EB0").replace("-", "").upper(), "fromMe": False}
    ids = {"remoteJid": lid, "remoteJidAlt": f"{phone}@s.whatsapp.net"}
    said = {"key": key | ids, "message": {"conversation": "oi"}, "messageTimestamp": 1769000000}
    return {"event": "message", "sessionId": CHANNEL, "message": said}


async def contact(hub: Hub, lid: str, **wanted: Any) -> dict[str, Any]:
    """The contact of a lid, once its columns are what is wanted."""
    found: dict[str, Any] = await hub.row(
        "SELECT * FROM contacts WHERE contact = %s",
        lid,
        check=lambda row: all(row[name] == value for name, value in wanted.items()),
    )
    return found


async def test_a_lid_is_looked_up_once_and_what_an_operator_undoes_stays_undone(hub: Hub) -> None:
    lid, phone = fresh_lid(), number()
    key = identity.match_key(phone)
    known = {"lid": lid, "phone": phone}
    (await hub.http.post(f"{hub.stack.simulator}/_sim/lids", json=known)).raise_for_status()

    await says(hub, lid)
    await contact(hub, lid, same_as=key, link_state="resolved", link_reason=None, person=key)
    for _ in range(3):
        await says(hub, lid)

    links = await hub.records(topics.CONTACT_LINK, lambda record: record.key == lid.encode())
    assert [(fact["evidence"], fact["phone"]) for fact in facts(links)] == [("gateway", f"{phone}@c.us")]
    asked = await hub.records(topics.COMMAND_LOOKUP, lambda record: lid.encode() in record.value)
    assert len(asked) == 4

    undone = hub.stack.posto("contacts", "unlink", lid, "--by", "Ana", "--reason", "another person answers")
    assert undone.returncode == 0, undone.stderr
    await contact(hub, lid, same_as=None, link_state="unresolved", link_reason="undone by Ana", person=lid)
    assert (await hub.webhook(carrying_both(lid, phone))).status_code == 202
    await hub.row(
        "SELECT * FROM contact_links WHERE contact = %s",
        lid,
        check=lambda row: row["evidence"] == "payload",
    )
    assert (await contact(hub, lid))["link_reason"] == "undone by Ana"

    linked = hub.stack.posto("contacts", "link", lid, phone, "--by", "Bia", "--reason", "it is her")
    assert linked.returncode == 0, linked.stderr
    await contact(hub, lid, same_as=key, link_reason=None)
    shown = hub.stack.posto("contacts", "show", phone, "--show-personal")
    assert lid in shown.stdout
    assert "linked by Bia: it is her" in shown.stdout


async def test_a_lid_that_the_gateway_does_not_know_is_unresolved_with_its_reason(hub: Hub) -> None:
    lid = fresh_lid()
    await says(hub, lid)
    await contact(hub, lid, link_state="unresolved", link_reason="no evidence", same_as=None)


async def test_what_was_learned_of_a_lid_outlives_a_killed_worker(hub: Hub) -> None:
    lid, phone = fresh_lid(), number()
    (await hub.http.post(f"{hub.stack.simulator}/_sim/lids", json={"lid": lid, "phone": phone})).raise_for_status()
    await says(hub, lid)
    await contact(hub, lid, same_as=identity.match_key(phone))

    await hub.kill_worker()
    await says(hub, lid)

    links = await hub.records(topics.CONTACT_LINK, lambda record: record.key == lid.encode())
    assert len(links) == 1
