"""Webhook bodies have the shapes of field notes §2."""

from dataclasses import replace
from typing import Any

import pytest

from infra.simulator.envelopes import ack_envelope, connection_envelope, flat_ack, message_envelope
from infra.simulator.state import ChannelStatus, Message, SimulatedChannel

CHANNEL = SimulatedChannel("Canal Um", "connected")
INBOUND = Message(
    id="false_5547999990001@c.us_3EB0AA01",
    channel="Canal Um",
    chat="5547999990001@c.us",
    to="554733330000",
    from_me=False,
    type="chat",
    text="oi",
    at=1768512934.852,
    name="Contato A",
)
OWN = replace(INBOUND, id="true_5547999990001@c.us_3EB0AA17", from_me=True, name="")


def without_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in ("event_id", "correlation_id")}


def test_an_inbound_message_is_the_wrapper_envelope_of_the_field_notes() -> None:
    assert without_ids(message_envelope(INBOUND, CHANNEL)) == {
        "spec_version": "1.0",
        "event": "message",
        "session": {"id": "Canal Um", "name": "Canal Um"},
        "message": {
            "id": "false_5547999990001@c.us_3EB0AA01",
            "from": "5547999990001@c.us",
            "to": "554733330000@c.us",
            "text": "oi",
            "timestamp": 1768512934,
        },
        "ack": None,
        "connection": None,
        "raw": {
            "provider": "wppconnect",
            "payload": {
                "event": "onmessage",
                "session": "Canal Um",
                "id": "false_5547999990001@c.us_3EB0AA01",
                "body": "oi",
                "type": "chat",
                "t": 1768512934,
                "clientReceivedTsMillis": 1768512934852,
                "notifyName": "Contato A",
                "from": "5547999990001@c.us",
                "to": "554733330000@c.us",
                "chatId": "5547999990001@c.us",
                "fromMe": False,
                "ack": 1,
                "isGroupMsg": False,
                "sender": {
                    "id": "5547999990001@c.us",
                    "pushname": "Contato A",
                    "formattedName": "Contato A",
                    "isMe": False,
                },
            },
        },
        "timestamp": 1768512934,
    }


def test_an_own_message_comes_from_the_channel_and_goes_to_the_contact() -> None:
    body = message_envelope(OWN, CHANNEL)
    payload = body["raw"]["payload"]
    assert (payload["event"], payload["fromMe"]) == ("onselfmessage", True)
    for place in (body["message"], payload):
        assert (place["from"], place["to"]) == ("554733330000@c.us", "5547999990001@c.us")


def test_a_shell_has_the_same_id_and_no_text() -> None:
    shell = message_envelope(INBOUND, CHANNEL, is_shell=True)
    assert (shell["message"]["id"], shell["message"]["text"]) == (INBOUND.id, "")
    assert (shell["raw"]["payload"]["type"], shell["raw"]["payload"]["subtype"]) == ("ciphertext", "fanout")


def test_an_ack_names_its_message_by_an_object_and_its_state_by_a_number() -> None:
    body = ack_envelope(OWN, CHANNEL, "delivered", 1768512940)
    assert (body["event"], body["session"]["id"], body["message"]) == ("message.ack", "Canal Um", None)
    payload = body["raw"]["payload"]
    assert (payload["event"], payload["ack"]) == ("onack", 2)
    assert payload["id"] == {
        "fromMe": True,
        "remote": "5547999990001@c.us",
        "id": "3EB0AA17",
        "_serialized": "true_5547999990001@c.us_3EB0AA17",
    }


def test_a_flat_ack_is_the_published_contract_and_nothing_more() -> None:
    assert flat_ack(OWN, "delivered") == {
        "event": "message.ack",
        "messageId": "true_5547999990001@c.us_3EB0AA17",
        "status": "delivered",
    }


@pytest.mark.parametrize(
    ("status", "word", "event"),
    [
        ("connected", "connected", "status-find"),
        ("disconnected", "close", "status-find"),
        ("qr_required", "qrcode", "qrcode"),
        ("initializing", "initializing", "status-find"),
    ],
)
def test_a_change_of_state_has_the_engines_words(status: ChannelStatus, word: str, event: str) -> None:
    body = connection_envelope(SimulatedChannel("Canal Um", status), 1768512940)
    assert (body["event"], body["connection"], body["timestamp"]) == ("connection.update", {"status": word}, 1768512940)
    assert body["raw"]["payload"]["event"] == event
