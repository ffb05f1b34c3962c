"""A customer writes, a person answers: to the very id that the network used, once, and the talk is in its lists."""

import json

import pytest

from tests.e2e.hub import CHANNEL, Hub, unique
from tests.e2e.test_contacts import fresh_lid, says

pytestmark = pytest.mark.e2e


async def test_a_message_is_answered_by_command_and_by_api_and_its_conversation_closed(hub: Hub) -> None:
    lid = fresh_lid()
    await says(hub, lid)
    text, key = unique("Bom dia"), unique("r")

    sent = [hub.stack.posto("chat", "reply", lid, text, "--by", "Ana", "--key", key, "--json") for _ in range(2)]
    assert [each.returncode for each in sent] == [0, 0], sent
    first, again = (json.loads(each.stdout) for each in sent)
    assert (first["to"], again["event_id"]) == (lid, first["event_id"])
    row = await hub.outbound(first["event_id"], "read")
    assert (row["author_kind"], row["author"], row["conversation_id"]) == ("human", "Ana", f"canalum:{lid}")
    assert [message["text"] for message in await hub.messages(lid)] == [text]

    url = f"{hub.stack.edge}/api/admin/conversations/canalum:{lid}"
    token = {"Authorization": f"Bearer {hub.stack.env['POSTO_ADMIN_TOKEN']}"}
    for _ in range(2):
        answer = await hub.http.post(
            f"{url}/replies", json={"text": "Até logo"}, headers=token | {"Idempotency-Key": key}
        )
        assert (answer.status_code, answer.json()["to"]) == (202, lid)
    await hub.outbound(answer.json()["event_id"], "read")
    assert [message["text"] for message in await hub.messages(lid)] == [text, "Até logo"]

    closed = hub.stack.posto("chat", "close", lid, "--by", "Ana", "--channel", CHANNEL)
    assert (closed.returncode, "closed" in closed.stdout) == (0, True), closed.stderr
    await says(hub, lid)
    shown = hub.stack.posto("chat", "show", lid, "--json")
    told = json.loads(shown.stdout)
    assert (told["status"], told["unread"]) == ("open", 2)
    assert [message["origin"] for message in told["messages"]].count("reply") == 2
    assert lid not in shown.stdout
