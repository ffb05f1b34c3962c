"""An invoice becomes one WhatsApp message, whatever repeats, and its status is on record."""

import asyncio

import msgspec
import pytest

from schemas.event_types import INBOUND_MESSAGE
from streams import topics
from tests.e2e.hub import CHANNEL, TENANT, Hub, facts, invoice, number, unique
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


async def test_an_overdue_invoice_becomes_one_message_that_is_read(hub: Hub) -> None:
    to = number()

    answer = await hub.post(invoice(to))

    assert answer.status_code == 202
    accepted = answer.json()
    assert set(accepted) == {"event_id", "trace_id", "idempotency_key", "status"}
    outbound = await hub.outbound(accepted["event_id"], "read")
    event = await hub.event(accepted["event_id"], "processed")
    [message] = await hub.messages(to)
    assert (message["channel"], message["to"]) == (CHANNEL, to)
    for part in ("Ana", "Internet 300 Mega", "10/01/2026", "R$ 1.234,56", "https://pay.example/abc"):
        assert part in message["text"]
    assert outbound["body"] == message["text"]
    assert (outbound["recipient"], outbound["tenant_id"], outbound["attempts"]) == (to, TENANT, 1)
    assert (event["action"], event["rule_id"]) == ("whatsapp", "billing.invoice.overdue")
    statuses = [fact["status"] for fact in facts(await _facts(hub, outbound["command_id"]))]
    passed = [status for number, status in enumerate(statuses) if status not in statuses[:number]]
    assert passed == ["queued", "attempting", "sent", "delivered", "read"]


async def test_the_same_event_fifty_times_at_once_is_one_event_and_one_message(hub: Hub) -> None:
    to = number()
    event = invoice(to)

    answers = await asyncio.gather(*(hub.post(event) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {202}
    [event_id] = {answer.json()["event_id"] for answer in answers}
    await hub.row(
        "SELECT duplicates FROM communication_events WHERE event_id = %s",
        event_id,
        check=lambda row: row["duplicates"] == 49,
    )
    await hub.outbound(event_id, "read")
    assert len(await hub.messages(to)) == 1


async def test_the_same_event_under_three_record_keys_is_one_message(hub: Hub) -> None:
    to = number()
    value = msgspec.json.encode(invoice(to))

    for key in (b"one", b"two", None):
        await hub.producer.send_and_wait(topics.RAW_EVENT, value, key=key)

    await eventually(lambda: hub.messages(to), 30)
    [row] = await hub.rows("SELECT event_id FROM outbound_messages WHERE recipient = %s", to) or [
        await hub.row("SELECT event_id FROM outbound_messages WHERE recipient = %s", to)
    ]
    await hub.row(
        "SELECT duplicates FROM communication_events WHERE event_id = %s",
        row["event_id"],
        check=lambda found: found["duplicates"] == 2,
    )
    assert len(await hub.messages(to)) == 1


async def test_the_same_key_for_another_recipient_is_a_conflict_on_record_and_no_second_send(hub: Hub) -> None:
    to, other = number(), number()
    event = invoice(to)
    first = (await hub.post(event)).json()
    await hub.outbound(first["event_id"], "read")

    again = await hub.post(event | {"payload": event["payload"] | {"phone": other}})

    assert again.json()["event_id"] == first["event_id"]
    conflict = await hub.row(
        "SELECT * FROM communication_events WHERE idempotency_key LIKE %s",
        first["idempotency_key"] + "#conflict:%",
    )
    assert conflict["status"] == "conflict"
    assert (await hub.event(first["event_id"], "processed"))["duplicates"] == 1
    assert await hub.messages(other) == []
    assert len(await hub.messages(to)) == 1


async def test_a_pre_due_invoice_never_goes_out_by_the_overdue_rule(hub: Hub) -> None:
    to = number()

    accepted = (await hub.post(invoice(to, event_type="billing.invoice.pre_due"))).json()

    await hub.outbound(accepted["event_id"], "read")
    assert (await hub.event(accepted["event_id"], "processed"))["rule_id"] == "billing.invoice.pre_due"


@pytest.mark.parametrize(
    ("event_type", "status", "action"),
    [
        ("asaas.payment.received", "processed", "none"),
        ("asaas.payment.a.b", "processed", "none"),
        ("something.nobody.routes", "no_rule", "no_rule"),
    ],
)
async def test_an_event_that_sends_nothing_is_on_record(hub: Hub, event_type: str, status: str, action: str) -> None:
    to = number()

    accepted = (await hub.post(invoice(to, source_system="asaas", event_type=event_type))).json()

    assert (await hub.event(accepted["event_id"], status))["action"] == action
    assert await hub.rows("SELECT * FROM outbound_messages WHERE event_id = %s", accepted["event_id"]) == []


async def test_an_inbound_message_is_one_conversation_with_one_message(hub: Hub) -> None:
    sender, message = number(), unique("3EB0").upper().replace("-", "")
    body = _wrapper_envelope(sender, message)

    answers = [await hub.webhook(body) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {202}
    assert set(answers[0].json()) == {"status", "raw_id", "trace_id"}
    event = await hub.row(
        "SELECT * FROM communication_events WHERE event_type = %s AND idempotency_key LIKE %s",
        INBOUND_MESSAGE,
        f"%{message}%",
        check=lambda row: row["duplicates"] == 2 and row["status"] == "processed",
    )
    assert event["action"] == "chat"
    # The event's row belongs to the history, which is committed before the present that has the conversation.
    conversation = await hub.row("SELECT * FROM conversations WHERE id = %s", event["conversation_id"])
    assert conversation["unread"] == 1
    [said] = await hub.rows("SELECT * FROM messages WHERE conversation_id = %s", event["conversation_id"])
    assert said["text"] == "oi"


async def test_a_message_with_a_hole_is_a_dead_letter_and_not_sent(hub: Hub) -> None:
    to = number()
    event = invoice(to)
    del event["payload"]["amount"]

    accepted = (await hub.post(event)).json()

    await hub.event(accepted["event_id"], "failed")
    letter = await hub.row("SELECT * FROM dead_letters WHERE trace_id = %s", accepted["trace_id"])
    assert letter["stage"] == "router"
    assert "amount" in letter["error_message"]
    assert await hub.messages(to) == []


async def _facts(hub: Hub, command_id: str) -> list[object]:
    return await hub.records(topics.DELIVERY_STATUS, lambda record: command_id.encode() in (record.value or b""))


def _wrapper_envelope(sender: str, message: str) -> dict[str, object]:
    full = f"false_{sender}@c.us_{message}"
    return {
        "spec_version": "1.0",
        "event": "message",
        "session": {"id": CHANNEL, "name": CHANNEL},
        "message": {
            "id": full,
            "from": f"{sender}@c.us",
            "to": "554733330000@c.us",
            "text": "oi",
            "timestamp": 1768512935,
        },
        "ack": None,
        "connection": None,
        "raw": {
            "provider": "wppconnect",
            "payload": {
                "event": "onmessage",
                "session": CHANNEL,
                "id": full,
                "body": "oi",
                "type": "chat",
                "t": 1768512935,
                "notifyName": "Contato A",
                "from": f"{sender}@c.us",
                "to": "554733330000@c.us",
                "chatId": f"{sender}@c.us",
                "fromMe": False,
                "ack": 1,
                "isGroupMsg": False,
                "sender": {"id": f"{sender}@c.us", "pushname": "Contato A", "isMe": False},
            },
        },
        "event_id": unique("emission"),
        "correlation_id": unique("correlation"),
        "timestamp": 1768512935,
    }
