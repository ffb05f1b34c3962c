"""Conversations by API: read, answered, assigned and closed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra import tokens
from infra.admin.app import build
from infra.database import database
from infra.settings import Settings
from schemas.chat import AuthorKind, Authorship
from schemas.deliveries import FactKind, Status
from schemas.events import Action, Decision
from streams import topics
from tests.adapters.mysql.log import CHANNEL, PHONE, Log, at, command_of, fact, invoice, link, message
from tests.infra.admin.conftest import TOKEN
from tests.infra.conversations import Loopback, LoopbackContext, decoded, emptied

pytestmark = pytest.mark.integration

ID = f"{CHANNEL}:554799990001"
LID = "100000000000001@lid"
GROUP = "120363000000000001@g.us"
URL = "/api/admin/conversations"
WITHIN = 10.0  # seconds: less than a connection is waited for


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    """With a connection for each of the projector's transactions."""
    opened = database(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def log(db: Database) -> Log:
    await emptied(db)
    return Log()


@pytest.fixture
def loopback(db: Database, log: Log) -> Loopback:
    return Loopback(db, log)


@pytest.fixture
async def api(settings: Settings, loopback: Loopback) -> AsyncIterator[httpx.AsyncClient]:
    async with LoopbackContext(settings, loopback) as context:
        transport = httpx.ASGITransport(build(context), raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://posto", headers=headers) as client:
            yield client


async def tell(db: Database, log: Log, *events: Any) -> None:
    await Projector(db).project([log.accepted(event) for event in events])


async def ids(api: httpx.AsyncClient, **filters: Any) -> list[str]:
    """Those of all pages."""
    found: list[str] = []
    while True:
        answer = await api.get(URL, params=filters)
        assert answer.status_code == 200, answer.text
        found += [item["id"] for item in answer.json()["items"]]
        if not (cursor := answer.json()["next_cursor"]):
            return found
        filters["cursor"] = cursor


async def reply(
    api: httpx.AsyncClient, conversation: str = ID, text: str = "Bom dia!", **headers: str
) -> httpx.Response:
    return await api.post(f"{URL}/{conversation}/replies", json={"text": text}, headers=headers)


async def patch(api: httpx.AsyncClient, changes: Mapping[str, Any], etag: str | None = None) -> httpx.Response:
    etag = etag or (await api.get(f"{URL}/{ID}")).headers["etag"]
    return await api.patch(f"{URL}/{ID}", json=changes, headers={"If-Match": etag})


async def test_conversations_are_listed_by_their_newest_message_and_filtered(
    api: httpx.AsyncClient, db: Database, log: Log
) -> None:
    chats = [f"55479999900{number:02}@c.us" for number in range(10, 17)]
    for number, chat in enumerate(chats):
        await tell(db, log, message(f"3EB0A{number}", chat=chat, occurred_at=at(number)))
    await tell(db, log, message("3EB0B1", own=True, chat=GROUP, occurred_at=at(3), payload={"text": "nós"}))
    newest = [f"{CHANNEL}:5547999900{number:02}" for number in reversed(range(10, 17))]
    in_order = [*newest[:4], f"{CHANNEL}:{GROUP}", *newest[4:]]

    assert sorted(await ids(api, limit=3)) == sorted(in_order)
    assert (await ids(api, limit=3))[:3] == newest[:3]
    assert await ids(api, tenant=1, channel="CANAL UM", unread=False) == [f"{CHANNEL}:{GROUP}"]
    assert await ids(api, tenant=2) == await ids(api, status="closed") == await ids(api, unassigned=False) == []
    assert await ids(api, contact="+55 47 99999-0012") == [f"{CHANNEL}:554799990012"]
    assert await ids(api, since=f"{at(5).isoformat()}", until=f"{at(6).isoformat()}") == [newest[1]]


async def test_a_conversation_shows_its_last_message_and_where_a_reply_would_go(
    api: httpx.AsyncClient, db: Database, log: Log
) -> None:
    await tell(db, log, message(text="Olá, bom dia", chat=f"{PHONE}@c.us"))
    shown = (await api.get(f"{URL}/{ID}")).json()
    assert (shown["status"], shown["unread"], shown["reply_to"], shown["obstacle"]) == (
        "open",
        1,
        f"{PHONE}@c.us",
        None,
    )
    assert (shown["last_message"]["text"], shown["display_name"]) == ("Olá, bom dia", "Contato A")
    assert (await api.get(f"{URL}/{CHANNEL}:5547")).status_code == 404


async def test_messages_of_all_origins_are_shown_with_their_states_and_files(
    api: httpx.AsyncClient, db: Database, log: Log
) -> None:
    media = {"state": "ready", "ref": "sha256:" + "ab" * 32, "mimetype": "image/jpeg"}
    by = Authorship(author_kind=AuthorKind.HUMAN, author="Ana", in_reply_to="e-1")
    answer = msgspec.structs.replace(command_of(invoice(1, received_at=at(30)), "Já vejo"), authorship=by)
    bill = command_of(invoice(2, received_at=at(5)))
    await tell(
        db,
        log,
        message("3EB0A1", "oi", occurred_at=at(10)),
        message("3EB0A2", "", occurred_at=at(20), payload={"type": "image", "caption": "o boleto", "media": media}),
        message("3EB0A3", "um momento", own=True, occurred_at=at(25)),
    )
    facts = [fact(each, FactKind.ACCEPTED, Status.QUEUED, 2, command=each) for each in (answer, bill)]
    await Projector(db).project([log.reported(one) for one in facts])

    items = (await api.get(f"{URL}/{ID}/messages")).json()["items"]

    assert [(item["origin"], item["status"], item["text"]) for item in items] == [
        ("reply", "queued", "Já vejo"),
        ("phone", "sent", "um momento"),
        ("contact", "received", "o boleto"),
        ("contact", "received", "oi"),
        ("rule", "queued", bill.text),
    ]
    assert [(items[0][name]) for name in ("author_kind", "written_by", "in_reply_to", "event_id")] == [
        "human", "Ana", "e-1", answer.event_id
    ]  # fmt: skip
    assert (items[2]["attachment"]["media"], items[2]["media_ref"]) == (media, media["ref"])
    for filters, count in (({"direction": "inbound"}, 2), ({"media": "ready"}, 1), ({"text": "BOLETO"}, 1)):
        assert len((await api.get(f"{URL}/{ID}/messages", params=filters)).json()["items"]) == count
    first = (await api.get(f"{URL}/{ID}/messages", params={"limit": 2})).json()
    other = await api.get(f"{URL}/{ID}/messages", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [item["message_key"] for item in other.json()["items"]] == ["3EB0A2", "3EB0A1"]


@pytest.mark.parametrize(
    ("chats", "to"),
    [
        ([f"{PHONE}@c.us", "554799990001@c.us"], "554799990001@c.us"),
        (["554799990001@c.us", f"{PHONE}@s.whatsapp.net"], f"{PHONE}@s.whatsapp.net"),
        ([LID], LID),
        ([GROUP], GROUP),
    ],
)
async def test_a_reply_goes_to_exactly_the_id_that_the_network_used_last(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback, chats: list[str], to: str
) -> None:
    told = [message(f"3EB0A{n}", chat=chat, occurred_at=at(n)) for n, chat in enumerate(chats)]
    await tell(db, log, *reversed(told))
    conversation = told[0].conversation_id or ""
    answer = await reply(api, conversation)
    assert (answer.status_code, answer.json()["to"]) == (202, to)
    [event] = loopback.replies()
    assert (event.payload["to"], event.channel, event.tenant_id) == (to, CHANNEL, 1)
    assert (event.conversation_id, event.stream_key) == (conversation, conversation)
    assert (event.payload["author"], event.metadata["author_kind"]) == ("admin", "human")
    assert (event.event_id, event.trace_id) == (answer.json()["event_id"], answer.json()["trace_id"])


@pytest.mark.parametrize(("is_linked", "to"), [(True, LID), (False, PHONE)])
async def test_an_echo_under_a_lid_counts_where_the_lid_is_known_to_be_the_contacts(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback, is_linked: bool, to: str
) -> None:
    """Whoever else the echo may have been about: without a link nobody knows whose lid it is."""
    command = command_of(invoice())
    facts = [
        fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command),
        fact(command, FactKind.ANSWERED, Status.SENT, 4, attempt=1, provider_message_id="3EB0FF01"),
    ]
    echo = message("3EB0FF01", own=True, chat=LID, occurred_at=at(5))
    records = [log.accepted(echo), *(log.reported(one) for one in facts)]
    if is_linked:
        records.append(log.linked(link(LID)))
    await Projector(db).project(records)
    assert (await reply(api)).json()["to"] == to
    [event] = loopback.replies()
    assert event.conversation_id == ID
    assert await ids(api, contact=PHONE) == [ID]


async def test_a_linked_contacts_conversations_name_each_other(api: httpx.AsyncClient, db: Database, log: Log) -> None:
    await tell(db, log, message("3EB0A1", chat=LID), message("3EB0A2", chat=f"{PHONE}@c.us", occurred_at=at(20)))
    await Projector(db).project([log.linked(link(LID))])
    assert (await api.get(f"{URL}/{ID}")).json()["linked"] == [f"{CHANNEL}:{LID}"]
    assert (await api.get(f"{URL}/{CHANNEL}:{LID}")).json()["linked"] == [ID]
    assert await ids(api, contact=PHONE) == await ids(api, contact=LID) == [ID, f"{CHANNEL}:{LID}"]


async def test_a_reply_with_a_key_is_one_however_often_it_is_sent(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback
) -> None:
    await tell(db, log, message())
    keyed = {"Idempotency-Key": "r-1"}
    first, again, other = [await reply(api, text=text, **keyed) for text in ("Oi", "Oi", "Olá")]
    assert (first.json(), again.status_code, other.status_code) == (again.json(), 202, 422)
    assert len(loopback.replies()) == 1
    await db.execute("DELETE FROM admin_answers")
    await tell(db, log, invoice(7, event_id=first.json()["event_id"], payload=loopback.replies()[0].payload))
    assert (await reply(api, text="Oi", **keyed)).json()["event_id"] == first.json()["event_id"]
    assert (await reply(api, text="Olá", **keyed)).status_code == 422
    assert len(loopback.replies()) == 1
    assert (await reply(api, text="Oi")).json()["event_id"] != first.json()["event_id"]


async def test_more_replies_at_once_than_there_are_connections_all_get_an_answer(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback
) -> None:
    await tell(db, log, message())
    async with asyncio.timeout(WITHIN):
        answers = await asyncio.gather(*(reply(api, **{"Idempotency-Key": f"r-{number}"}) for number in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(loopback.replies()) == 20


async def test_who_asks_is_known_while_all_connections_are_in_use(
    settings: Settings, loopback: Loopback, db: Database
) -> None:
    async with LoopbackContext(settings, loopback) as context, AsyncExitStack() as busy:
        for _ in range(8):
            await busy.enter_async_context(context.db.session())
            await busy.enter_async_context(context.patient_db.session())
        transport = httpx.ASGITransport(build(context), raise_app_exceptions=False)
        async with asyncio.timeout(WITHIN), httpx.AsyncClient(transport=transport, base_url="http://posto") as client:
            answer = await client.get(URL, headers={"Authorization": "Bearer posto_of_nobody"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("DELETE FROM tenant_message_channels WHERE channel_id = 'Canal Um'", "belongs to nobody any more"),
        ("UPDATE tenant_message_channels SET is_enabled = FALSE WHERE channel_id = 'Canal Um'", "is disabled"),
        ("UPDATE tenants SET is_enabled = FALSE WHERE id = 1", "Tenant 1 is disabled"),
        ("UPDATE tenant_message_channels SET tenant_id = 3 WHERE channel_id = 'Canal Um'", "is tenant 3's by now"),
    ],
)
async def test_a_channel_that_cannot_send_for_a_conversation_refuses_its_replies(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback, change: str, why: str
) -> None:
    await tell(db, log, message())
    await db.execute("INSERT IGNORE INTO tenants (id, name) VALUES (3, 'Tenant 3')")
    await db.execute(change)
    answer = await reply(api)
    await db.execute("UPDATE tenants SET is_enabled = TRUE")
    assert answer.status_code == 409
    assert why in answer.json()["detail"]
    assert loopback.replies() == []


async def test_a_new_owner_answers_once_the_contact_has_written_to_it(
    api: httpx.AsyncClient, db: Database, log: Log
) -> None:
    await db.execute("INSERT IGNORE INTO tenants (id, name) VALUES (3, 'Tenant 3')")
    await db.execute("UPDATE tenant_message_channels SET tenant_id = 3 WHERE channel_id = 'Canal Um'")
    moved = Decision(action=Action.CHAT, tenant_id=3, channel=CHANNEL)
    await tell(db, log, message("3EB0A1"), message("3EB0A2", occurred_at=at(60), decision=moved))
    assert (await reply(api)).status_code == 202


@pytest.mark.parametrize("text", ["", "   ", "x" * 65_537])
async def test_a_reply_that_says_nothing_or_too_much_is_refused(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback, text: str
) -> None:
    await tell(db, log, message())
    assert (await reply(api, text=text)).status_code == 422
    assert (await reply(api, f"{CHANNEL}:5547")).status_code == 404
    assert loopback.replies() == []


async def test_a_conversation_is_assigned_read_closed_and_opened_again(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback
) -> None:
    await tell(db, log, message())
    assigned = await patch(api, {"assigned_to": "Ana", "is_read": True})
    assert (assigned.status_code, assigned.json()["assigned_to"], assigned.json()["unread"]) == (200, "Ana", 0)
    closed = await patch(api, {"status": "closed", "reason": "paid"}, assigned.headers["etag"])
    assert (closed.json()["status"], closed.json()["state_by"], closed.json()["state_reason"]) == (
        "closed",
        "admin",
        "paid",
    )
    assert await ids(api, status="closed", assigned_to="Ana") == [ID]
    await tell(db, log, message("3EB0A9", occurred_at=at(30), received_at=at(31)))
    reopened = (await api.get(f"{URL}/{ID}")).json()
    assert (reopened["status"], reopened["unread"], reopened["assigned_to"]) == ("open", 1, "Ana")
    assert (await patch(api, {"status": "closed", "assigned_to": None})).json()["assigned_to"] is None
    assert (await patch(api, {"status": "open"})).json()["status"] == "open"
    assert (await patch(api, {"is_read": True})).json()["unread"] == 0
    assert (await patch(api, {"is_read": False})).json()["unread"] == 1
    assert (await patch(api, {"read_until": at(11).isoformat()})).json()["unread"] == 1
    said = decoded(loopback.written[topics.CONVERSATION_CHANGE])
    assert [each["what"] for each in said] == [
        "assigned", "read", "closed", "assigned", "closed", "reopened", "read", "read", "read"
    ]  # fmt: skip


async def test_what_is_so_already_is_not_said_again(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback
) -> None:
    await tell(db, log, message())
    for _ in range(2):
        assert (await patch(api, {"status": "open", "assigned_to": "Ana", "is_read": True})).status_code == 200
    assert len(loopback.written[topics.CONVERSATION_CHANGE]) == 2


async def test_of_two_people_who_change_one_conversation_one_sees_what_the_other_did(
    api: httpx.AsyncClient, db: Database, log: Log
) -> None:
    await tell(db, log, message())
    etag = (await api.get(f"{URL}/{ID}")).headers["etag"]
    answers = await asyncio.gather(*(patch(api, {"assigned_to": name}, etag) for name in ("Ana", "Bia")))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (200, 412)
    assert lost.json()["current"]["assigned_to"] == won.json()["assigned_to"]
    assert lost.headers["etag"] == won.headers["etag"]


async def test_changes_that_do_not_show_yet_leave_the_connections_to_others(
    settings: Settings, api: httpx.AsyncClient, loopback: Loopback, db: Database, log: Log
) -> None:
    await tell(db, log, message())
    etag = (await api.get(f"{URL}/{ID}")).headers["etag"]
    loopback.is_projecting = False
    changes = [asyncio.create_task(patch(api, {"assigned_to": f"Ana {number}"}, etag)) for number in range(12)]
    async with asyncio.timeout(WITHIN):
        while not loopback.written[topics.CONVERSATION_CHANGE]:
            assert await ids(api) == [ID]
        assert await ids(api) == [ID]
        await Projector(db).project(
            [log.append(topics.CONVERSATION_CHANGE, said) for said in loopback.written[topics.CONVERSATION_CHANGE]]
        )
        answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 11]


async def test_who_has_not_seen_the_last_message_does_not_close_over_it(
    api: httpx.AsyncClient, db: Database, log: Log
) -> None:
    await tell(db, log, message())
    etag = (await api.get(f"{URL}/{ID}")).headers["etag"]
    await tell(db, log, message("3EB0A9", occurred_at=at(30), received_at=at(31)))
    assert (await patch(api, {"status": "closed"}, etag)).status_code == 412


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reason": "because"},
        {"status": "gone"},
        {"assigned_to": "\n"},
        {"is_read": True, "read_until": "2026-01-15T08:30:00Z"},
        {"read": True},
    ],
)
async def test_changes_that_make_no_sense_change_nothing(
    api: httpx.AsyncClient, db: Database, log: Log, loopback: Loopback, changes: dict[str, Any]
) -> None:
    await tell(db, log, message())
    assert (await patch(api, changes)).status_code == 422
    assert (await api.patch(f"{URL}/{ID}", json={"is_read": True})).status_code == 428
    assert loopback.written == {}


async def test_who_may_read_may_not_answer(settings: Settings, api: httpx.AsyncClient, db: Database, log: Log) -> None:
    await tell(db, log, message())
    await db.execute("DELETE FROM admin_tokens")
    token = await tokens.create(db, Loopback(db, log), "painel", "read", by="Ana")
    api.headers["Authorization"] = f"Bearer {token}"
    assert (await api.get(f"{URL}/{ID}/messages")).status_code == 200
    assert (await reply(api)).status_code == 403
    assert (await patch(api, {"is_read": True})).status_code == 403
