"""What a person reads: conversations, their messages, contacts and the health of channels."""

import json

import msgspec
import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from schemas.conversations import ConversationChangeKind
from schemas.deliveries import AckStatus, FactKind, Status
from schemas.events import NO_RULE, Action, Decision, Kind
from tests.adapters.mysql.log import (
    CHANNEL,
    PHONE,
    Log,
    ack,
    at,
    change,
    command_of,
    connection,
    fact,
    invoice,
    message,
    one,
)

pytestmark = pytest.mark.integration

CONVERSATION = f"{CHANNEL}:554799990001"


def naive(seconds: float) -> object:
    return at(seconds).replace(tzinfo=None)


async def test_an_inbound_message_becomes_a_conversation(database: Database, projector: Projector) -> None:
    event = message(text="Olá, bom dia")
    await projector.project([Log().accepted(event)])
    conversation = await one(database, "conversations")
    assert (conversation["id"], conversation["tenant_id"], conversation["status"]) == (CONVERSATION, 1, "open")
    assert (conversation["contact"], conversation["channel_id"]) == ("554799990001", CHANNEL)
    assert (conversation["unread"], conversation["last_message_key"]) == (1, "3EB0AA01")
    row = await one(database, "messages")
    assert (row["conversation_id"], row["direction"], row["status"]) == (CONVERSATION, "inbound", "received")
    assert (row["text"], row["at"], row["event_id"]) == ("Olá, bom dia", naive(10), event.event_id)


async def test_an_inbound_message_of_another_action_is_in_no_conversation(
    database: Database, projector: Projector
) -> None:
    await projector.project(
        [
            Log().accepted(message(decision=Decision(action=Action.HTTP, tenant_id=1, channel=CHANNEL))),
        ]
    )
    assert await database.fetch("SELECT * FROM conversations") == []


async def test_what_an_ai_is_asked_is_in_its_conversation(database: Database, projector: Projector) -> None:
    asked = message(decision=Decision(action=Action.AI, tenant_id=1, channel=CHANNEL))
    await projector.project([Log().accepted(asked)])
    assert (await one(database, "conversations"))["unread"] == 1


@pytest.mark.parametrize("kind", [Kind.DUPLICATE, Kind.CONFLICT, Kind.QUARANTINED, Kind.REJECTED])
async def test_what_was_not_routed_is_in_no_conversation(database: Database, projector: Projector, kind: Kind) -> None:
    await projector.project([Log().accepted(message(kind=kind))])
    assert await database.fetch("SELECT * FROM conversations") == []
    assert await database.fetch("SELECT * FROM messages") == []


async def test_the_last_message_is_the_latest_by_its_own_time(database: Database, projector: Projector) -> None:
    log = Log()
    for hexa, seconds in (("3EB0AA02", 30), ("3EB0AA01", 20), ("3EB0AA03", 30)):
        await projector.project([log.accepted(message(hexa, occurred_at=at(seconds)))])
    conversation = await one(database, "conversations")
    assert (conversation["last_message_key"], conversation["last_message_at"]) == ("3EB0AA03", naive(30))
    assert (conversation["first_message_at"], conversation["unread"]) == (naive(20), 3)


async def test_unread_counts_what_came_in_after_the_last_reading(database: Database, projector: Projector) -> None:
    """Also what was written before it, as when a phone was away for a while; a message a week old is none any more."""
    log = Log()
    await projector.project(
        [
            log.accepted(message("3EB0AA01", occurred_at=at(20), received_at=at(21))),
            log.changed(change(ConversationChangeKind.READ, until=at(21))),
            log.accepted(message("3EB0AA02", occurred_at=at(20), received_at=at(31))),
            log.accepted(message("3EB0AA03", occurred_at=at(5), received_at=at(32))),
            log.accepted(message("3EB0AA04", occurred_at=at(-8 * 86_400), received_at=at(33))),
            log.accepted(message("3EB0AA05", own=True, occurred_at=at(40), received_at=at(41))),
        ]
    )
    conversation = await one(database, "conversations")
    assert (conversation["unread"], conversation["last_inbound_at"]) == (2, naive(20))
    assert (conversation["last_received_at"], conversation["read_by"]) == (naive(32), "Ana")
    await projector.project([log.changed(change(ConversationChangeKind.READ, 50))])
    assert (await one(database, "conversations"))["unread"] == 4


async def test_a_conversation_that_was_closed_is_opened_by_the_next_message_to_come_in(
    database: Database, projector: Projector
) -> None:
    log = Log()
    await projector.project(
        [
            log.changed(change(ConversationChangeKind.CLOSED, 15, until=at(11), reason="solved")),
            log.accepted(message("3EB0AA01", received_at=at(11))),
            log.accepted(message("3EB0AA02", own=True, received_at=at(30))),
        ]
    )
    closed = await one(database, "conversations")
    assert (closed["status"], closed["state_by"], closed["state_reason"]) == ("closed", "Ana", "solved")
    await projector.project([log.accepted(message("3EB0AA03", received_at=at(14)))])
    assert (await one(database, "conversations"))["status"] == "open"
    await projector.project([log.changed(change(ConversationChangeKind.CLOSED, 20, until=at(14)))])
    assert (await one(database, "conversations"))["status"] == "closed"
    await projector.project([log.changed(change(ConversationChangeKind.REOPENED, 25))])
    assert (await one(database, "conversations"))["status"] == "open"


async def test_of_two_words_the_later_counts_whichever_comes_first(database: Database, projector: Projector) -> None:
    log = Log()
    for said in (
        change(ConversationChangeKind.ASSIGNED, 20, change_id="b", assignee="Bia"),
        change(ConversationChangeKind.ASSIGNED, 19, change_id="c", assignee="Caio"),
        change(ConversationChangeKind.ASSIGNED, 20, change_id="a", assignee="Ana"),
    ):
        await projector.project([log.changed(said)])
    row = await one(database, "conversations")
    assert (row["assigned_to"], row["assigned_at"], row["channel_id"]) == ("Bia", naive(20), CHANNEL)
    await projector.project([log.changed(change(ConversationChangeKind.ASSIGNED, 21))])
    assert (await one(database, "conversations"))["assigned_to"] is None


async def test_a_conversation_is_its_last_messages_tenants(database: Database, projector: Projector) -> None:
    log = Log()
    moved = Decision(action=Action.CHAT, tenant_id=2, channel=CHANNEL)
    await projector.project([log.accepted(message("3EB0AA02", occurred_at=at(30), decision=moved))])
    await projector.project([log.accepted(message("3EB0AA01", occurred_at=at(20)))])
    assert (await one(database, "conversations"))["tenant_id"] == 2


@pytest.mark.parametrize("shell_first", [True, False])
async def test_a_text_and_its_empty_shell_are_one_message_with_the_text(
    database: Database, projector: Projector, shell_first: bool
) -> None:
    log, shell, text = Log(), message(text="", empty_shell=True), message(text="texto real")
    for event in (shell, text) if shell_first else (text, shell):
        await projector.project([log.accepted(event)])
    row = await one(database, "messages")
    assert (row["text"], row["event_id"]) == ("texto real", text.event_id)
    assert (await one(database, "conversations"))["unread"] == 1


async def test_what_the_hub_sends_is_in_the_conversation_with_its_status(
    database: Database, projector: Projector
) -> None:
    log, command = Log(), command_of(invoice())
    await projector.project([log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command))])
    row = await one(database, "messages")
    assert (row["direction"], row["status"], row["text"]) == ("outbound", "queued", command.text)
    assert (row["message_key"], row["conversation_id"]) == (f"command:{command.command_id}", CONVERSATION)
    await projector.project([log.reported(fact(command, FactKind.ANSWERED, Status.SENT, 4, attempt=1))])
    row = await one(database, "messages")
    assert (row["status"], row["at"]) == ("sent", naive(4))
    assert (await one(database, "conversations"))["unread"] == 0


@pytest.mark.parametrize("echo_first", [True, False])
async def test_an_echo_and_its_command_are_one_message(
    database: Database, projector: Projector, echo_first: bool
) -> None:
    log, command = Log(), command_of(invoice())
    echo = log.accepted(message("3EB0FF01", text=command.text, own=True, occurred_at=at(5)))
    facts = [
        log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)),
        log.reported(fact(command, FactKind.ANSWERED, Status.SENT, 4, attempt=1)),
        log.reported(
            fact(
                command, FactKind.ACKED, Status.READ, 6, ack=AckStatus.READ, provider_message_id="true_x@c.us_3EB0FF01"
            )
        ),
    ]
    for records in ([echo], facts) if echo_first else (facts[:2], [echo], facts[2:]):
        await projector.project(records)
    row = await one(database, "messages")
    assert (row["message_key"], row["command_id"], row["status"]) == ("3EB0FF01", command.command_id, "read")
    assert (row["text"], row["at"]) == (command.text, naive(5))
    conversation = await one(database, "conversations")
    assert (conversation["last_message_key"], conversation["last_message_at"]) == ("3EB0FF01", naive(5))


@pytest.mark.parametrize("echo_first", [True, False])
async def test_a_message_is_where_its_command_says_though_the_echo_names_a_lid(
    database: Database, projector: Projector, echo_first: bool
) -> None:
    log, command = Log(), command_of(invoice())
    echo = [log.accepted(message("3EB0FF01", own=True, chat="100000000000001@lid", occurred_at=at(5)))]
    facts = [
        log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)),
        log.reported(fact(command, FactKind.ANSWERED, Status.SENT, 4, attempt=1, provider_message_id="3EB0FF01")),
    ]
    for records in (echo, facts) if echo_first else (facts, echo):
        await projector.project(records)
    assert (await one(database, "messages"))["conversation_id"] == CONVERSATION
    rows = await database.fetch("SELECT contact, last_message_key FROM conversations ORDER BY contact")
    assert rows == [
        {"contact": "100000000000001@lid", "last_message_key": None},
        {"contact": "554799990001", "last_message_key": "3EB0FF01"},
    ]


async def test_a_message_typed_on_the_phone_shows_its_highest_ack(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.accepted(ack("3EB0FF02", "read"))])
    await projector.project([log.accepted(message("3EB0FF02", own=True))])
    await projector.project([log.accepted(ack("3EB0FF02", "delivered")), log.accepted(ack("3EB0FF02", "failed"))])
    row = await one(database, "messages")
    assert (row["status"], row["direction"], row["conversation_id"]) == ("read", "outbound", CONVERSATION)


async def test_an_ack_of_an_unknown_message_is_in_no_conversation(database: Database, projector: Projector) -> None:
    await projector.project([Log().accepted(ack("3EB0FF09", "sent"))])
    assert (await one(database, "messages"))["conversation_id"] is None
    assert await database.fetch("SELECT * FROM conversations") == []


async def test_a_media_message_keeps_its_description(database: Database, projector: Projector) -> None:
    media = {"type": "image", "text": None, "caption": "comprovante", "media": {"mimetype": "image/jpeg"}}
    await projector.project([Log().accepted(message(payload=media))])
    row = await one(database, "messages")
    assert (row["type"], row["text"]) == ("image", "comprovante")
    assert json.loads(row["attachment"]) == {"media": {"mimetype": "image/jpeg"}}


async def test_a_contact_keeps_its_latest_name_and_the_id_the_network_used_last(
    database: Database, projector: Projector
) -> None:
    log = Log()
    said = (
        ("3EB0AA01", 20, "Contato A", "5547999990001@c.us"),
        ("3EB0AA02", 40, "Contato Novo", "554799990001@c.us"),
        ("3EB0AA03", 30, "Contato Velho", "5547999990001@s.whatsapp.net"),
    )
    for hexa, seconds, name, chat in said:
        event = message(hexa, chat=chat, occurred_at=at(seconds), payload={"sender_name": name})
        await projector.project([log.accepted(event)])
    contact = await one(database, "contacts")
    assert (contact["contact"], contact["display_name"]) == ("554799990001", "Contato Novo")
    assert (contact["network_id"], contact["first_seen_at"]) == ("554799990001@c.us", naive(20))


async def test_the_name_in_a_group_is_that_of_who_speaks(database: Database, projector: Projector) -> None:
    event = message(
        chat="120363000000000001@g.us", payload={"author": "100000000000002@lid", "sender_name": "Contato B"}
    )
    await projector.project([Log().accepted(event)])
    rows = await database.fetch("SELECT contact, display_name FROM contacts ORDER BY contact")
    assert rows == [
        {"contact": "100000000000002@lid", "display_name": "Contato B"},
        {"contact": "120363000000000001@g.us", "display_name": None},
    ]
    assert (await one(database, "conversations"))["contact"] == "120363000000000001@g.us"
    assert (await one(database, "messages"))["author"] == "100000000000002@lid"


async def test_an_own_message_does_not_name_the_contact(database: Database, projector: Projector) -> None:
    await projector.project([Log().accepted(message(own=True, payload={"sender_name": "A Empresa"}))])
    assert (await one(database, "contacts"))["display_name"] is None


@pytest.mark.parametrize("odd", [7, ["x"], {"x": 1}, "x" * 1_000, True], ids=lambda odd: type(odd).__name__)
async def test_a_producers_event_may_open_a_conversation_whatever_its_payload_holds(
    database: Database, projector: Projector, odd: object
) -> None:
    names = ("message_key", "type", "text", "caption", "author", "sender_name", "chat", "media", "shell")
    said = message(source_system="erp", payload=dict.fromkeys(names, odd))
    said = msgspec.structs.replace(said, event_type="erp.note")
    await projector.project([Log().accepted(said)])
    row = await one(database, "messages")
    assert row["message_key"] == f"event:{said.event_id}"
    assert row["text"] == (odd if isinstance(odd, str) else None)
    assert {contact["contact"] for contact in await database.fetch("SELECT * FROM contacts")} == {said.contact}


async def test_a_channels_health_is_its_latest_state_and_its_latest_messages(
    database: Database, projector: Projector
) -> None:
    log = Log()
    for event in (
        connection("connected", 50),
        connection("disconnected", 40),
        message("3EB0AA01", occurred_at=at(60)),
        message("3EB0AA02", occurred_at=at(55)),
        message("3EB0AA03", own=True, occurred_at=at(58)),
        ack("3EB0AA03", "read", occurred_at=at(59)),
    ):
        await projector.project([log.accepted(event)])
    row = await one(database, "channel_health")
    assert (row["state"], row["state_at"]) == ("connected", naive(50))
    assert (row["last_inbound_at"], row["last_outbound_at"], row["last_message_at"]) == (
        naive(60),
        naive(58),
        naive(60),
    )
    assert row["last_ack_at"] == naive(59)


async def test_a_repetition_of_what_is_held_makes_no_health_of_an_unknown_channel(
    database: Database, projector: Projector
) -> None:
    log, held = Log(), Decision(action=NO_RULE, reason="unknown channel")
    for kind in (Kind.QUARANTINED, Kind.DUPLICATE):
        await projector.project([log.accepted(message("3EB0AA01", kind=kind, decision=held))])
    assert not await database.fetch("SELECT * FROM channel_health")


async def test_a_reply_and_the_message_it_answers_share_a_conversation(
    database: Database, projector: Projector
) -> None:
    log, command = Log(), command_of(invoice(), to=PHONE)
    await projector.project([log.accepted(message("3EB0AA01", chat="554799990001@c.us"))])
    await projector.project([log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 20, command=command))])
    assert (await one(database, "conversations"))["id"] == CONVERSATION


async def test_a_producer_that_calls_itself_the_gateway_overwrites_no_message(
    database: Database, projector: Projector
) -> None:
    log = Log()
    producers = {"event_type": "erp.note", "event_id": "e" * 36, "idempotency_key": "wpp_gateway|1|erp.note"}
    forged = msgspec.structs.replace(message(text="forjada"), **producers)
    await projector.project([log.accepted(message(text="Olá")), log.accepted(forged)])

    rows = await database.fetch("SELECT message_key, text FROM messages ORDER BY text")
    assert [(row["message_key"], row["text"]) for row in rows] == [
        ("3EB0AA01", "Olá"),
        (f"event:{'e' * 36}", "forjada"),
    ]
