"""The simulator's own API: states, inbound messages, playback, and what it says of bodies it does not take."""

import re
from typing import Any

import pytest

from tests.infra.simulator.conftest import CHANNEL, TO, World
from tests.support.http import receiving

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_inbound_message_is_posted_before_the_answer(world: World) -> None:
    answer = await world.simulator.control("POST", "inbound", {"channel": CHANNEL, "from": TO, "text": "olá"})
    [body] = world.inbox.received
    assert answer == {"message_id": body["message"]["id"], "webhooks": ["202"]}
    assert (body["session"]["id"], body["message"]["from"], body["message"]["text"]) == (CHANNEL, f"{TO}@c.us", "olá")
    assert body["raw"]["payload"]["fromMe"] is False
    assert world.inbox.secrets == ["hub-secret"]
    assert await world.simulator.delivered() == []


async def test_an_inbound_message_keeps_what_is_given(world: World) -> None:
    given = {"id": "false_5547999990001@c.us_3EB0AA01", "timestamp": 1768512935, "name": "Contato B", "type": "ptt"}
    await world.simulator.control("POST", "inbound", {"from": TO, **given})
    [body] = world.inbox.received
    payload = body["raw"]["payload"]
    assert (body["message"]["id"], body["message"]["timestamp"]) == (given["id"], given["timestamp"])
    assert (payload["type"], payload["notifyName"]) == ("ptt", "Contato B")


async def test_a_message_typed_on_the_phone_is_an_echo_of_no_send(world: World) -> None:
    await world.simulator.control("POST", "inbound", {"from": TO, "from_me": True, "text": "respondi"})
    [body] = world.inbox.received
    assert body["raw"]["payload"]["event"] == "onselfmessage"
    assert (body["message"]["to"], body["message"]["id"][:5]) == (f"{TO}@c.us", "true_")


async def test_faults_of_inbound_messages_have_a_route_of_their_own(world: World) -> None:
    await world.simulator.fault("duplicates", route="inbound", times=3)
    await world.simulator.fault("ciphertext_first", route="inbound")
    answer = await world.simulator.control("POST", "inbound", {"from": TO})
    assert answer["webhooks"] == ["202"] * 9
    types = [body["raw"]["payload"]["type"] for body in world.inbox.received]
    assert types == ["ciphertext"] * 3 + ["chat"] * 6


async def test_the_bytes_of_an_inbound_message_can_be_fetched(world: World) -> None:
    await world.simulator.configure(media_delay_seconds=0)
    body = {"from": TO, "type": "ptt", "text": "", "media_base64": "T2dnUw==", "mime_type": "audio/ogg"}
    message_id = (await world.simulator.control("POST", "inbound", body))["message_id"]
    media = (await world.api.get(f"/api/media/Canal%20Um/{message_id}")).json()
    assert (media["media_base64"], media["mime_type"]) == ("T2dnUw==", "audio/ogg")
    [webhook] = world.inbox.received
    assert webhook["raw"]["payload"]["mimetype"] == "audio/ogg"
    assert "T2dnUw" not in str(webhook)


async def test_a_change_of_state_is_told_and_decides_what_can_be_sent(world: World) -> None:
    answer = await world.simulator.control("POST", "channels", {"id": CHANNEL, "status": "disconnected"})
    assert answer == {"channel": {"id": CHANNEL, "name": CHANNEL, "status": "disconnected"}, "webhooks": ["202"]}
    [body] = world.inbox.received
    assert (body["event"], body["connection"]) == ("connection.update", {"status": "close"})
    assert (await world.send()).status_code == 404
    await world.simulator.control("POST", "channels", {"id": CHANNEL, "status": "connected", "emit": False})
    assert (await world.send()).status_code == 200
    assert len(await world.webhooks()) == 5


async def test_a_channel_can_be_made(world: World) -> None:
    await world.simulator.control("POST", "channels", {"id": "Canal Novo", "status": "connected"})
    assert (await world.send(channel="Canal Novo")).status_code == 200
    listed = (await world.simulator.control("GET", "channels"))["channels"]
    assert listed[-1] == {"id": "Canal Novo", "name": "Canal Novo", "status": "connected"}


async def test_messages_are_listed_by_channel_and_recipient_and_cleared(world: World) -> None:
    for to in (TO, "5547999990002", TO):
        await world.send(to=to)
    assert (await world.simulator.control("GET", f"messages?to={TO}"))["total"] == 2
    assert (await world.simulator.control("GET", f"messages?to={TO}&channel=Canal%20Dois"))["total"] == 0
    assert len((await world.simulator.control("GET", "messages?limit=1"))["messages"]) == 1
    assert await world.simulator.control("DELETE", "messages") == {"removed": 3}
    assert await world.simulator.delivered() == []


async def test_requests_are_counted_by_route_and_outcome(world: World) -> None:
    await world.simulator.fault("http_429")
    await world.send()
    await world.send()
    await world.api.get("/api/channels")
    await world.simulator.http.get("/api/channels")
    shown = await world.simulator.requests()
    assert shown["by_route"] == {"messages": {"200": 1, "429": 1}, "list_channels": {"200": 1, "401": 1}}
    assert shown["last"][0]["request_id"] == "r-1"


async def test_faults_are_listed_and_removed(world: World) -> None:
    faults: list[dict[str, Any]] = [{"kind": "http_500", "count": 2}, {"kind": "no_echo", "count": None}]
    listed = (await world.simulator.control("POST", "faults", faults))["faults"]
    assert [(fault["kind"], fault["count"], fault["hits"]) for fault in listed] == [
        ("http_500", 2, 0),
        ("no_echo", None, 0),
    ]
    assert await world.simulator.control("DELETE", "faults") == {"removed": 2}
    assert await world.simulator.control("GET", "faults") == {"faults": []}


async def test_a_list_with_one_bad_fault_sets_none(world: World) -> None:
    answer = await world.simulator.http.post("/_sim/faults", json=[{"kind": "drop"}, {"kind": "volcano"}])
    assert answer.status_code == 422
    assert await world.simulator.control("GET", "faults") == {"faults": []}


async def test_the_configuration_is_changed_whole_or_not_at_all(world: World) -> None:
    body = {"return_message_id": False, "ack_delay_seconds": -1}
    answer = await world.simulator.http.patch("/_sim/config", json=body)
    assert answer.status_code == 422
    assert (await world.simulator.control("GET", "config"))["return_message_id"] is True


async def test_the_configuration_is_shown_without_secrets(world: World) -> None:
    shown = await world.simulator.control("GET", "config")
    assert "secret" not in " ".join(shown)
    assert shown["acks"] == ["sent", "delivered", "read"]


async def test_a_recording_is_played_in_order(world: World) -> None:
    bodies = [{"event": "message", "n": number} for number in range(20)]
    played = await world.simulator.control("POST", "play", {"bodies": bodies, "rate": 2000})
    assert (played["posted"], played["succeeded"], played["failed"]) == (20, 20, 0)
    assert played["outcomes"] == {"202": 20}
    assert sorted(body["n"] for body in world.inbox.received) == list(range(20))


async def test_a_recording_can_be_played_to_another_address(world: World) -> None:
    async with receiving() as other:
        other.status = 503
        played = await world.simulator.control("POST", "play", {"bodies": [{"n": 1}], "url": other.url})
        assert played["outcomes"] == {"503": 1}
        assert other.secrets == ["hub-secret"]
    assert world.inbox.bodies == []


async def test_a_reset_is_a_new_start(world: World) -> None:
    await world.simulator.configure(return_message_id=False, ack_delay_seconds=3600)
    await world.simulator.fault("drop", count=None, route="qr")
    await world.simulator.control("POST", "channels", {"id": "Canal Novo", "status": "connected"})
    await world.send()
    await world.simulator.control("POST", "reset")
    await world.simulator.quiet()
    assert await world.simulator.delivered() == []
    assert await world.simulator.control("GET", "faults") == {"faults": []}
    assert (await world.simulator.requests())["total"] == 0
    assert (await world.simulator.control("GET", "config"))["return_message_id"] is True
    assert len((await world.simulator.control("GET", "channels"))["channels"]) == 3


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("POST", "faults", b"{", 400, "not JSON"),
        ("POST", "faults", b"\xff", 400, "not JSON"),
        ("POST", "faults", b"[" * 50_000, 400, "not JSON"),
        ("POST", "faults", b'{"kind":"volcano"}', 422, "kind: "),
        ("POST", "faults", b"5", 422, "body: "),
        ("PATCH", "config", b"[]", 422, "body: "),
        ("PATCH", "config", b'{"volcano":1}', 422, "volcano: "),
        ("POST", "inbound", b"{}", 422, "from: "),
        ("POST", "inbound", b'{"from":"nobody"}', 422, "from: "),
        ("POST", "inbound", b'{"from":"5547999990001","channel":"nenhum"}', 404, "nenhum"),
        ("POST", "channels", b'{"id":"x","status":"happy"}', 422, "status: "),
        ("POST", "lids", b'{"lid":"5","phone":"5547999990001"}', 422, "lid: "),
        ("POST", "play", b'{"bodies":{}}', 422, "bodies: "),
        ("POST", "play", b'{"bodies":[],"rate":0}', 422, "rate: "),
        ("GET", "messages?limit=all", b"", 422, "limit: "),
    ],
)
async def test_a_body_that_is_not_taken_is_named(
    world: World, method: str, path: str, body: bytes, status: int, sentence: str
) -> None:
    answer = await world.simulator.http.request(method, f"/_sim/{path}", content=body)
    assert answer.status_code == status
    assert re.search(sentence, answer.json()["error"])
