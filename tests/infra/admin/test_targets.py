"""Targets by the Admin API, on a real database and a real broker, with a target on a real socket."""

import json
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from adapters.mysql.authoring import find
from infra import targets
from infra.database import database
from infra.settings import Settings
from schemas.configuration import Target
from streams import topics
from tests.infra.admin.conftest import TOKEN, asking
from tests.infra.authored import author_anew, authored_hub
from tests.support.http import receiving
from tests.support.topics import read

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def hub(hub_kafka: str, new_database: Callable[[], str]) -> Iterator[Settings]:
    keys = {"posto_admin_token": TOKEN, "posto_target_key": "k", "posto_target_networks": "127.0.0.0/8"}
    with authored_hub(hub_kafka, new_database(), **keys) as settings:
        yield settings


@pytest.fixture
async def client(hub: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the hub that may do everything."""
    opened = database(hub, connections=2)
    await author_anew(hub, opened)
    await opened.execute("DELETE FROM http_targets")
    await opened.close()
    async with asking(hub) as client:
        client.base_url = httpx.URL("http://posto/api/admin/")
        yield client


async def test_a_target_is_added_tried_changed_and_given_another_secret(
    hub: Settings, client: httpx.AsyncClient
) -> None:
    async with receiving() as inbox:
        made = await client.post("targets", json={"name": "responder", "url": inbox.url})
        assert (made.status_code, made.json()["in_force"]["version"]) == (201, 1), made.text
        tried = await client.post("targets/responder/test", json={"text": "Oi"})
        assert (tried.json()["status"], tried.json()["problem"]) == (202, None)
        assert inbox.received[0]["data"]["payload"] == {"text": "Oi"}
    shown = await client.get("targets/responder/secret")
    assert shown.headers["cache-control"] == "no-store"
    first = shown.json()
    on_record = [json.loads(record.value) for record in await read(hub.kafka_bootstrap_servers, topics.AUDIT_CHANGE)]
    assert (on_record[-1]["action"], on_record[-1]["subject"]) == ("target.secret_shown", "target:responder")
    assert first["secret"] not in str(on_record)
    rotated = await client.post(
        "targets/responder/rotate", json={"keep_hours": 2}, headers={"if-match": made.headers["etag"]}
    )
    assert (rotated.status_code, rotated.json()["secret_version"]) == (200, 2), rotated.text
    second = (await client.get("targets/responder/secret")).json()
    assert first["secret"] != second["secret"]
    assert second["secret"] not in rotated.text
    stale = await client.patch(
        "targets/responder", json={"is_enabled": False}, headers={"if-match": made.headers["etag"]}
    )
    assert (stale.status_code, stale.json()["current"]["secret_version"]) == (412, 2)
    assert [one["name"] for one in (await client.get("targets")).json()["items"]] == ["responder"]


async def test_a_rotation_counts_from_the_secret_that_is_there_when_it_is_made(
    hub: Settings, client: httpx.AsyncClient
) -> None:
    assert (await client.post("targets", json={"name": "rotated", "url": "https://ai.example/"})).status_code == 201
    db = database(hub, connections=1)
    edit = targets.rotation("rotated", 2)
    await db.execute("UPDATE http_targets SET secret_version = 7")
    async with db.session() as session:
        made = edit.make(await find(session, edit.key))
    await db.close()
    assert isinstance(made, Target)
    assert made.secret_version == 8


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"name": "t", "url": "http://10.0.0.1/"}, "body.url", "POSTO_TARGET_NETWORKS"),
        ({"name": "t", "url": "https://user:word@ai.example/"}, "body.url", "login"),
        ({"name": "t", "url": "ftp://ai.example/"}, "body.url", ""),
        ({"name": "no name", "url": "https://ai.example/"}, "body.name", ""),
        ({"name": "t", "url": "https://ai.example/", "timeout_seconds": 0}, "body.timeout_seconds", ""),
    ],
)
async def test_a_target_that_makes_no_sense_is_refused_with_its_field(
    client: httpx.AsyncClient, body: dict[str, object], field: str, said: str
) -> None:
    answer = await client.post("targets", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert said in answer.text
    assert (await client.get("targets")).json()["items"] == []
