"""Questions that an AI answers over HTTP: once, whatever is killed, and never over the head of a person."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.configuration import publish_configuration
from infra.stack import ports
from infra.stack.layout import CHECKOUT
from streams import identity
from tests.e2e.hub import CHANNEL, Hub, number, unique
from tests.support.http import serving
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


class Responder:
    """Answers when it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, request: Request) -> Response:
        self.ids.append(request.headers["webhook-id"])
        self.asked.append(msgspec.json.decode(await request.body()))
        await self.may_answer.wait()
        text = self.asked[-1]["data"]["payload"]["text"]
        return JSONResponse({"replies": [{"text": f"Sobre {text}"}], "handoff": "pessoa" in text})


class Customer:
    """Somebody who writes to the channel, and to whom a rule lets a target answer."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.number = number()
        self.contact = identity.match_key(self.number)

    async def writes(self, text: str, *, from_me: bool = False) -> None:
        body = {"channel": CHANNEL, "from": self.number, "type": "text", "text": text, "from_me": from_me}
        answer = await self.hub.http.post(f"{self.hub.stack.simulator}/_sim/inbound", json=body)
        assert answer.status_code == 200, answer.text

    async def got(self, *texts: str) -> None:
        """Wait until the gateway has delivered these texts to the customer, and see that there are no others."""

        async def look() -> bool:
            return len(await self.hub.messages(self.number)) >= len(texts)

        await eventually(look, 30, because="the reply did not come")
        assert [message["text"] for message in await self.hub.messages(self.number)] == list(texts)

    async def asked(self, text: str, status: str) -> dict[str, Any]:
        """What became of a question, once it has a status."""
        found: dict[str, Any] = await self.hub.row(
            "SELECT request.*, event.status AS event_status FROM http_requests AS request "
            "JOIN communication_events AS event ON event.event_id = request.event_id "
            "WHERE event.contact = %s AND JSON_VALUE(event.payload, '$.text') = %s",
            self.contact,
            text,
            check=lambda row: row["status"] == status and row["event_status"] != "processing",
        )
        return found


async def posto(hub: Hub, *arguments: str) -> str:
    done = await asyncio.to_thread(hub.stack.posto, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@asynccontextmanager
async def answered_by(hub: Hub, customer: Customer, url: str) -> AsyncIterator[str]:
    """A target at an address, and a rule that lets it answer one customer; yields the target's name."""
    name = unique("responder")
    await hub.rows("INSERT INTO http_targets (name, url, timeout_seconds) VALUES (%s, %s, 10)", name, url)
    conditions = msgspec.json.encode({"contact": customer.contact}).decode()
    await hub.rows(
        "INSERT INTO routing_rules (id, event_type, action, target, priority, conditions) "
        "VALUES (%s, 'whatsapp.inbound.message', 'ai', %s, 1, %s)",
        name,
        name,
        conditions,
    )
    await publish_configuration(hub.stack.settings(), force=True)
    try:
        yield name
    finally:
        await hub.rows("DELETE FROM routing_rules WHERE id = %s", name)
        await hub.rows("DELETE FROM http_targets WHERE name = %s", name)
        await publish_configuration(hub.stack.settings(), force=True)


@asynccontextmanager
async def responding(hub: Hub) -> AsyncIterator[tuple[Responder, Customer, str]]:
    """A responder of the test's own, with a customer; yields the target's name, too."""
    responder, customer = Responder(), Customer(hub)
    app = Starlette(routes=[Route("/answer", responder.answer, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", lifespan="off")
    async with serving(uvicorn.Server(config)) as url, answered_by(hub, customer, f"{url}/answer") as name:
        yield responder, customer, name


@contextmanager
def example(secret: str, port: int) -> Iterator[None]:
    """Run the example in a process of its own."""
    command = [sys.executable, str(CHECKOUT / "examples" / "ai_responder.py")]
    with subprocess.Popen(
        command, env={**os.environ, "TARGET_SECRET": secret, "PORT": str(port)}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.kill()


async def test_the_example_verifies_who_asks_and_its_answer_reaches_the_customer_once(hub: Hub) -> None:
    customer, port = Customer(hub), ports.free_port()
    async with answered_by(hub, customer, f"http://127.0.0.1:{port}/") as name:
        with example((await posto(hub, "targets", "secret", name)).strip(), port):
            await eventually(lambda: answers(port), 20)
            assert "reply: Recebi: Bom dia" in await posto(hub, "targets", "test", name, "--text", "Bom dia")
            forged = await hub.http.post(
                f"http://127.0.0.1:{port}/",
                content=b"{}",
                headers={"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,no"},
            )
            assert forged.status_code == 401
            await customer.writes("Olá")
            await customer.got("Recebi: Olá")
            row = await customer.asked("Olá", "answered")
            assert (row["attempts"], row["replies"], row["event_status"]) == (1, 1, "processed")
            traced = await posto(hub, "trace", row["event_id"])
            assert f"to {name}  answered" in traced


def answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/")
    except httpx.HTTPError:
        return False
    return True


async def test_kill_9_while_the_responder_thinks_makes_one_reply(hub: Hub) -> None:
    async with responding(hub) as (responder, customer, _):
        responder.may_answer.clear()
        await customer.writes("isto")
        await eventually(lambda: responder.asked, 30)
        await hub.kill_worker()
        responder.may_answer.set()
        await customer.got("Sobre isto")
        await customer.asked("isto", "answered")
        assert len(responder.ids) >= 2
        assert len(set(responder.ids)) == 1
        await customer.got("Sobre isto")


async def test_a_person_who_writes_silences_the_ai_and_a_late_answer_is_dropped_and_on_record(hub: Hub) -> None:
    async with responding(hub) as (responder, customer, _):
        responder.may_answer.clear()
        await customer.writes("primeiro")
        await eventually(lambda: responder.asked, 30)
        await customer.writes("Oi, aqui é a Ana", from_me=True)
        await customer_is_muted(hub, customer)
        responder.may_answer.set()
        late = await customer.asked("primeiro", "dropped")
        assert (late["reason"], late["event_status"]) == ("human_replied", "processed")
        await customer.writes("segundo")
        assert (await customer.asked("segundo", "dropped"))["reason"] == "muted_by_human"
        assert [post["data"]["payload"]["text"] for post in responder.asked] == ["primeiro"]
        assert await hub.messages(customer.number) == []


async def customer_is_muted(hub: Hub, customer: Customer) -> None:
    async def look() -> bool:
        found = await hub.records("conversation.mute", lambda record: customer.contact.encode() in record.key)
        return bool(found)

    await eventually(look, 30)


async def test_a_handoff_is_told_and_gives_the_conversation_to_people(hub: Hub) -> None:
    async with responding(hub) as (_, customer, _name):
        await customer.writes("uma pessoa")
        await customer.got("Sobre uma pessoa")
        await customer.asked("uma pessoa", "answered")
        await customer_is_muted(hub, customer)
        await customer.writes("ainda aí?")
        assert (await customer.asked("ainda aí?", "dropped"))["reason"] == "muted_by_handoff"
        [event] = await hub.rows(
            "SELECT * FROM communication_events WHERE event_type = 'chat.handoff' AND conversation_id LIKE %s",
            f"%{customer.contact}",
        )
        assert event["source_system"] == "posto"
