"""The simulated API answers as field notes §4 observed the real one."""

import asyncio
from base64 import b64encode
from typing import Any

import httpx
import pytest

from tests.infra.simulator.conftest import CHANNEL, TO, World
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = [
    ("GET", "/api/channels"),
    ("POST", "/api/channels"),
    ("GET", "/api/channels/Canal%20Um"),
    ("GET", "/api/channels/Canal%20Um/qr"),
    ("POST", "/api/channels/Canal%20Um/webhook"),
    ("POST", "/api/messages"),
    ("POST", "/api/webhooks"),
    ("GET", "/api/media/Canal%20Um/x"),
    ("GET", "/api/Canal%20Um/contact/pn-lid/100000000000001"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("secret", [None, "", "wrong", "gateway-secret2", "ü"])
async def test_no_call_works_without_the_secret(world: World, method: str, path: str, secret: str | None) -> None:
    headers = {} if secret is None else {b"X-Gateway-Secret": secret.encode()}
    answer = await world.simulator.http.request(method, path, headers=headers, json={"channel": "novo"})
    assert (answer.status_code, answer.json()["success"]) == (401, False)


async def test_the_list_is_flat_and_one_channel_is_nested(world: World) -> None:
    listed = (await world.api.get("/api/channels")).json()
    assert listed == {
        "success": True,
        "total": 3,
        "channels": [
            {"id": "Canal Um", "name": "Canal Um", "status": "connected"},
            {"id": "Canal Dois", "name": "Canal Dois", "status": "qr_required"},
            {"id": "Canal Três", "name": "Canal Três", "status": "disconnected"},
        ],
    }
    one = (await world.api.get("/api/channels/Canal%20Um")).json()
    assert one == {"success": True, "channel": listed["channels"][0]}


@pytest.mark.parametrize("path", ["canal%20um", "canalum", "Canal%20Um%20", "Canal%20Quatro"])
async def test_a_channel_is_found_by_its_exact_spelling_only(world: World, path: str) -> None:
    for suffix in ("", "/qr"):
        answer = await world.api.get(f"/api/channels/{path}{suffix}")
        assert answer.status_code == 404
        assert answer.json() == {"success": False, "error": "Canal não encontrado"}


async def test_a_send_answers_with_ids_and_is_recorded(world: World) -> None:
    answer = (await world.send(metadata={"command_id": "c-1"})).json()
    shown = await world.simulator.control("GET", "messages")
    [message] = shown["messages"]
    assert answer == {"success": True, "correlationId": message["correlation_id"], "messageId": message["id"]}
    assert message["id"].startswith(f"true_{TO}@c.us_3EB0")
    assert (message["channel"], message["to"], message["text"]) == (CHANNEL, TO, "oi")
    assert (message["metadata"], message["request_id"]) == ({"command_id": "c-1"}, "r-1")
    assert (shown["total"], shown["delivered_total"]) == (1, 1)


async def test_the_id_can_be_null_as_it_usually_is(world: World) -> None:
    await world.simulator.fault("message_id_null")
    assert (await world.send()).json()["messageId"] is None
    assert (await world.send()).json()["messageId"] is not None
    await world.simulator.configure(return_message_id=False)
    assert (await world.send()).json()["messageId"] is None
    assert len(await world.simulator.delivered()) == 3


@pytest.mark.parametrize(
    ("to", "chat"),
    [
        ("5547999990001", "5547999990001@c.us"),
        ("+55 (47) 99999-0001", "5547999990001@c.us"),
        ("554799990001@c.us", "554799990001@c.us"),
        ("100000000000001@lid", "100000000000001@lid"),
        ("120363000000000001@g.us", "120363000000000001@g.us"),
        ("5547999990001@s.whatsapp.net", "5547999990001@s.whatsapp.net"),
    ],
)
async def test_a_recipient_is_a_phone_or_a_chat(world: World, to: str, chat: str) -> None:
    await world.send(to=to)
    assert [message["chat"] for message in await world.simulator.delivered()] == [chat]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 50_000,
        b"\xff",
        b'{"channel":"Canal Um","to":"5547999990001"}',
        b'{"channel":"Canal Um","to":"5547999990001","text":""}',
        b'{"channel":"Canal Um","to":"5547999990001","text":5}',
        b'{"channel":"Canal Um","to":"","text":"oi"}',
        b'{"channel":"Canal Um","to":"nobody","text":"oi"}',
        b'{"channel":"Canal Um","to":"5547999990001","text":"oi","type":"hologram"}',
        b'{"channel":"Canal Um","to":"5547999990001","text":"","type":"audio"}',
        b'{"channel":"Canal Um","to":"5547999990001","text":"","type":"audio","base64Ptt":"data:a;base64,T2dn"}',
        b'{"channel":"Canal Um","to":"5547999990001","text":"","type":"image"}',
        b'{"channel":"Canal Um","to":"5547999990001","type":"image","base64":"AAAA"}',
    ],
)
async def test_a_send_that_makes_no_sense_is_refused_with_400(world: World, body: bytes) -> None:
    answer = await world.api.post("/api/messages", content=body)
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert await world.simulator.delivered() == []


@pytest.mark.parametrize("body", [{}, {"channel": ""}, {"channel": 5}, {"url": "ftp://x"}, {"url": None}])
async def test_other_bodies_that_make_no_sense_are_refused_with_400(world: World, body: dict[str, Any]) -> None:
    for path in ("/api/channels", "/api/webhooks", "/api/channels/Canal%20Um/webhook"):
        assert (await world.api.post(path, json=body)).status_code == 400


async def test_a_channel_that_is_not_connected_sends_nothing(world: World) -> None:
    for channel in ("Canal Dois", "Canal Três"):
        answer = await world.send(channel=channel)
        assert (answer.status_code, answer.json()["status"]) == (404, "Disconnected")
    assert (await world.send(channel="nenhum")).json()["error"] == "Canal não encontrado"
    assert await world.simulator.delivered() == []


async def test_a_created_channel_waits_for_its_code(world: World) -> None:
    answer = (await world.api.post("/api/channels", json={"channel": "Canal Novo"})).json()
    assert (answer["success"], answer["qr_required"]) == (True, True)
    assert (await world.api.get("/api/channels/Canal%20Novo/qr")).json()["qr"].startswith("data:image/png;base64,iVBOR")


async def test_the_answers_about_a_code_follow_the_state(world: World) -> None:
    assert (await world.api.get("/api/channels/Canal%20Um/qr")).json() == {"qr": None, "status": "CONNECTED"}
    not_ready = (await world.api.get("/api/channels/Canal%20Tr%C3%AAs/qr")).json()
    assert not_ready == {"success": True, "status": "disconnected"}
    await world.simulator.configure(qr_shape="result", qr_as_data_url=False)
    nested = (await world.api.get("/api/channels/Canal%20Dois/qr")).json()
    assert nested["result"]["qrcode"].startswith("iVBOR")


async def test_media_is_there_after_its_time(world: World) -> None:
    encoded = b64encode(b"OggS...").decode()
    sent = (await world.send(type="audio", text="", base64Ptt=encoded)).json()
    path = f"/api/media/Canal%20Um/{sent['messageId']}"
    assert (await world.api.get(path)).status_code == 404
    await world.simulator.configure(media_delay_seconds=0)
    assert (await world.api.get(path)).json() == {
        "success": True,
        "media_base64": encoded,
        "mime_type": "audio/ogg",
    }
    assert (await world.api.get("/api/media/Canal%20Um/other")).status_code == 404


async def test_a_lid_has_a_phone_once_it_is_known(world: World) -> None:
    path = "/api/Canal%20Um/contact/pn-lid/100000000000001@lid"
    assert "phoneNumber" not in (await world.api.get(path)).json()
    await world.simulator.control("POST", "lids", {"lid": "100000000000001@lid", "phone": TO})
    answer = (await world.api.get(path)).json()
    assert answer["lid"]["_serialized"] == "100000000000001@lid"
    assert answer["phoneNumber"]["_serialized"] == f"{TO}@c.us"


async def test_a_lid_without_its_domain_is_taken_for_a_phone(world: World) -> None:
    await world.simulator.control("POST", "lids", {"lid": "100000000000001@lid", "phone": TO})
    answer = (await world.api.get("/api/Canal%20Um/contact/pn-lid/100000000000001")).json()
    assert answer["phoneNumber"]["_serialized"] == "100000000000001@c.us"


async def test_a_channel_that_is_down_looks_nothing_up(world: World) -> None:
    answer = await world.api.get("/api/Canal%20Tr%C3%AAs/contact/pn-lid/100000000000001@lid")
    assert (answer.status_code, answer.json()["status"]) == (404, "Disconnected")


async def test_an_unknown_path_answers_as_a_web_framework_does(world: World) -> None:
    answer = await world.api.post("/api/nothing")
    assert (answer.status_code, answer.text) == (404, "<pre>Cannot POST /api/nothing</pre>")


async def test_a_fault_that_delivers_shows_the_message_on_whatsapp(world: World) -> None:
    await world.simulator.fault("http_500", delivered=True)
    assert (await world.send()).status_code == 500
    assert len(await world.webhooks()) == 4


async def test_a_dropped_connection_has_no_answer(world: World) -> None:
    await world.simulator.fault("drop")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await world.send()
    assert (await world.simulator.requests())["by_route"] == {"messages": {"dropped": 1}}


async def test_a_hang_delivers_at_once_and_answers_late(world: World) -> None:
    await world.simulator.fault("hang", delay_seconds=0.3)
    sending = asyncio.create_task(world.send())
    await eventually(lambda: len(world.inbox.bodies) == 4, interval=0.005)
    assert not sending.done()
    assert (await sending).json()["success"] is True


async def test_a_caller_that_hangs_up_ends_the_hang(world: World) -> None:
    await world.simulator.fault("hang", delay_seconds=3600, delivered=False)
    with pytest.raises(httpx.ReadTimeout):
        await world.api.post("/api/messages", json={"channel": CHANNEL, "to": TO, "text": "oi"}, timeout=0.05)

    async def is_over() -> bool:
        by_route: dict[str, dict[str, int]] = (await world.simulator.requests())["by_route"]
        return by_route.get("messages") == {"504": 1}

    await eventually(is_over)
    assert await world.simulator.delivered() == []


async def test_a_delay_holds_up_no_other_call(world: World) -> None:
    await world.simulator.fault("hang", delay_seconds=3600, channel=CHANNEL)
    hanging = asyncio.create_task(world.send())
    await eventually(lambda: len(world.inbox.bodies) > 0, interval=0.005)
    assert (await world.send(text="outra")).status_code == 200
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
