"""A send of which the gateway says nothing useful: what the echo settles, and what a person decides."""

import json
from typing import Any

import pytest

from tests.e2e.hub import Hub, invoice, number

pytestmark = pytest.mark.e2e


async def sent_with(hub: Hub, *faults: dict[str, Any]) -> tuple[str, str]:
    """An invoice to a number of its own, whose send meets these faults: the number and the event's id."""
    to = number()
    for fault in faults:
        (await hub.http.post(f"{hub.stack.simulator}/_sim/faults", json={"to": to, **fault})).raise_for_status()
    return to, (await hub.post(invoice(to))).json()["event_id"]


async def test_a_gateway_that_names_no_message_is_followed_by_its_echo(hub: Hub) -> None:
    to, event_id = await sent_with(hub, {"kind": "message_id_null"})
    outbound = await hub.outbound(event_id, "read")
    [message] = await hub.messages(to)
    assert outbound["message_key"] == message["id"].rpartition("_")[2]


async def test_an_echo_settles_a_send_that_was_answered_with_an_error(hub: Hub) -> None:
    to, event_id = await sent_with(hub, {"kind": "http_500", "delivered": True})
    outbound = await hub.outbound(event_id, "read")
    assert (outbound["attempts"], len(await hub.messages(to))) == (1, 1)


async def test_a_person_decides_what_nothing_settles(hub: Hub) -> None:
    to, event_id = await sent_with(hub, {"kind": "drop"})
    command_id = (await hub.outbound(event_id, "uncertain"))["command_id"]
    waiting = json.loads(hub.stack.posto("deliveries", "uncertain", "--limit", "1000", "--json").stdout)
    assert command_id in [one["command_id"] for one in waiting]
    again = hub.stack.posto("deliveries", "resend", event_id, "--by", "Ana", "--why", "it is not in the chat")
    assert again.returncode == 0, again.stderr
    outbound = await hub.outbound(event_id, "read")
    assert (outbound["attempts"], len(await hub.messages(to))) == (2, 1)
    trace = hub.stack.posto("trace", event_id).stdout
    assert "decided resend (1)" in trace
    assert "by Ana, message it is not in the chat" in trace
    late = hub.stack.posto("deliveries", "cancel", event_id)
    assert (late.returncode, late.stdout) == (1, "")
    assert "cannot be decided so: it was read" in late.stderr
