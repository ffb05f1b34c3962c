"""Creations that are carried out once, and changes that say what they change, on a resource of the tests' own."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Response

from adapters.mysql.pool import Database, Session
from infra.admin import app as admin
from infra.admin.access import Administrator, Operator, Reader
from infra.admin.context import InContext
from infra.admin.etags import Matching, etag_of
from infra.admin.once import Once, OnceOnly
from infra.context import Context
from infra.errors import ConflictError
from infra.settings import Settings
from infra.tokens import create
from schemas.admin.values import Body, Name, Shown
from tests.infra.admin.conftest import Taken, asking

pytestmark = pytest.mark.integration

BOXES = "/api/admin/boxes"
router = APIRouter()


class NewBox(Body):
    name: Name


class BoxShown(Shown):
    name: str


@router.post("/boxes", status_code=201)
async def create_box(_: Administrator, once: OnceOnly, body: NewBox) -> BoxShown:
    """Write a row, then refuse it where its name is `bad`."""

    async def make(session: Session) -> BoxShown:
        await session.execute("INSERT INTO message_templates (name, body) VALUES (%s, '')", (body.name,))
        await asyncio.sleep(0)  # so that another request gets a chance
        if body.name == "bad":
            raise ConflictError("It is bad.")
        return BoxShown(name=body.name)

    return await once.run(body, BoxShown, make)


@router.get("/boxes/{name}")
async def show_box(_: Reader, name: Name, response: Response) -> BoxShown:
    """What is there."""
    shown = BoxShown(name=name)
    response.headers["etag"] = etag_of(shown)
    return shown


@router.put("/boxes/{name}")
async def change_box(_: Administrator, context: InContext, matching: Matching, name: Name, body: NewBox) -> BoxShown:
    """Take any change of what is there."""
    there = BoxShown(name=name)
    matching.check(etag_of(there), there)
    return BoxShown(name=body.name)


@pytest.fixture
async def api(settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that has boxes; there are none."""
    monkeypatch.setattr(admin, "ROUTERS", (router,))
    await db.execute("DELETE FROM message_templates")
    await db.execute("DELETE FROM admin_answers")
    async with asking(settings) as client:
        yield client


async def boxes(db: Database) -> list[str]:
    return [row["name"] for row in await db.fetch("SELECT name FROM message_templates")]


async def test_the_same_key_with_the_same_body_creates_nothing_again(api: httpx.AsyncClient, db: Database) -> None:
    key = {"Idempotency-Key": "first"}
    answers = await asyncio.gather(*(api.post(BOXES, json={"name": "red"}, headers=key) for _ in range(5)))

    assert [(answer.status_code, answer.json()) for answer in answers] == [(201, {"name": "red"})] * 5
    assert await boxes(db) == ["red"]


async def test_the_same_key_with_another_body_is_refused(api: httpx.AsyncClient, db: Database) -> None:
    key = {"Idempotency-Key": "first"}
    await api.post(BOXES, json={"name": "red"}, headers=key)
    other = await api.post(BOXES, json={"name": "blue"}, headers=key)

    assert other.status_code == 422
    assert other.json()["errors"] == [{"field": "Idempotency-Key", "message": "came before with another request"}]
    assert await boxes(db) == ["red"]


async def test_a_key_is_its_operators_own(api: httpx.AsyncClient, db: Database, producer: Taken) -> None:
    key = {"Idempotency-Key": "first"}
    token = await create(db, producer, "other", "admin", by="Ana")
    await api.post(BOXES, json={"name": "red"}, headers=key)
    other = await api.post(BOXES, json={"name": "blue"}, headers=key | {"Authorization": f"Bearer {token}"})

    assert other.status_code == 201


async def test_what_fails_leaves_nothing_and_may_be_tried_again(api: httpx.AsyncClient, db: Database) -> None:
    key = {"Idempotency-Key": "first"}
    failed = [await api.post(BOXES, json={"name": "bad"}, headers=key) for _ in range(2)]
    failed += await asyncio.gather(*(api.post(BOXES, json={"name": "bad"}, headers=key) for _ in range(5)))

    assert [answer.status_code for answer in failed] == [409] * 7
    assert await boxes(db) == []


async def test_who_creates_something_does_not_wait_for_another_whose_creation_takes_long(
    settings: Settings, db: Database
) -> None:
    await db.execute("DELETE FROM admin_answers")
    for number in range(3):
        await db.execute("INSERT INTO admin_answers VALUES ('old', %s, '', NULL, '2026-01-01')", (number,))
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: Session) -> BoxShown:
        began.set()
        await may_end.wait()
        return BoxShown(name="slow")

    async def quick(_: Session) -> BoxShown:
        return BoxShown(name="quick")

    async with Context(settings) as context, asyncio.TaskGroup() as tasks:
        one, other = (Once("1", BOXES, Operator(name, frozenset(), "t"), context) for name in ("Ana", "Bia"))
        waiting = tasks.create_task(one.run(NewBox(name="slow"), BoxShown, slow))
        await began.wait()
        async with asyncio.timeout(10):
            assert (await other.run(NewBox(name="quick"), BoxShown, quick)).name == "quick"
        assert not waiting.done()
        may_end.set()
    rows = await db.fetch("SELECT operator FROM admin_answers ORDER BY operator")
    assert [row["operator"] for row in rows] == ["Ana", "Bia"]


async def test_a_token_without_the_scope_changes_nothing(api: httpx.AsyncClient, db: Database, producer: Taken) -> None:
    token = await create(db, producer, "operator", "operate", by="Ana")
    bearer = {"Authorization": f"Bearer {token}"}

    assert (await api.get(f"{BOXES}/red", headers=bearer)).status_code == 200
    refused = await api.post(BOXES, json={"name": "red"}, headers=bearer)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:posto:problem:out-of-scope")
    assert await boxes(db) == []


@pytest.mark.parametrize("tags", ["{}", '"other", {}', "*"])
async def test_a_change_of_what_was_read_goes_through(api: httpx.AsyncClient, tags: str) -> None:
    etag = (await api.get(f"{BOXES}/red")).headers["etag"]
    changed = await api.put(f"{BOXES}/red", json={"name": "blue"}, headers={"If-Match": tags.format(etag)})

    assert changed.status_code == 200


async def test_a_change_of_something_else_gets_what_there_is_now(api: httpx.AsyncClient) -> None:
    old = (await api.get(f"{BOXES}/blue")).headers["etag"]
    refused = await api.put(f"{BOXES}/red", json={"name": "blue"}, headers={"If-Match": old})
    blind = await api.put(f"{BOXES}/red", json={"name": "blue"})

    assert (refused.status_code, refused.json()["current"]) == (412, {"name": "red"})
    assert refused.headers["etag"] == (await api.get(f"{BOXES}/red")).headers["etag"]
    assert blind.status_code == 428


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b'{"name": 1}', 422), (b'{"name": "a", "b": 1}', 422)),
        *((b'{"name": "\\ud800"}', 422), (b'{"name": "%s"}' % (b"x" * 2_000_000), 413), (b"null", 422), (b"", 422)),
    ],
)
async def test_bodies_that_cannot_be_are_refused(api: httpx.AsyncClient, body: bytes, status: int) -> None:
    answer = await api.post(BOXES, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
