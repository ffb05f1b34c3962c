"""Rules and templates by the Admin API, on a real database and a real broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from adapters.mysql.pool import Database
from infra.admin.app import build
from infra.configuration import publish_configuration
from infra.context import Context
from infra.database import database
from infra.settings import Settings
from streams import topics
from tests.infra.admin.conftest import TOKEN, asking
from tests.infra.authored import author_anew, authored_hub, projected
from tests.infra.test_configuration import in_force
from tests.support.topics import read

pytestmark = pytest.mark.integration

NEW = {"id": "new", "event_type": "a.b", "action": "none", "priority": 1}


@pytest.fixture(scope="module")
def hub(hub_kafka: str, new_database: Callable[[], str]) -> Iterator[Settings]:
    with authored_hub(hub_kafka, new_database(), posto_admin_token=TOKEN) as settings:
        yield settings


@pytest.fixture
async def authored(hub: Settings) -> AsyncIterator[Database]:
    """The hub's database, with rules in force."""
    opened = database(hub, connections=2)
    await author_anew(hub, opened)
    yield opened
    await opened.close()


@pytest.fixture
async def client(hub: Settings, authored: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the hub that may do everything."""
    async with asking(hub) as client:
        client.base_url = httpx.URL("http://posto/api/admin/")
        yield client


async def test_of_two_operators_one_gets_412_and_sees_the_others_version(
    hub: Settings, authored: Database, client: httpx.AsyncClient
) -> None:
    seen = await client.get("rules/r")
    etag = {"if-match": seen.headers["etag"]}
    assert (await client.patch("rules/r", json={"priority": 5})).status_code == 428
    first = await client.patch("rules/r", json={"priority": 5}, headers=etag, params={"reason": "ours first"})
    assert (first.status_code, first.json()["priority"]) == (200, 5), first.text
    second = await client.patch("rules/r", json={"priority": 9}, headers=etag)
    assert second.status_code == 412
    assert second.json()["current"]["priority"] == 5
    assert second.json()["current"]["etag"] == first.headers["etag"] == second.headers["etag"]
    assert (await client.delete("rules/r", headers=etag)).status_code == 412
    assert await projected(hub, authored, "rule:r")
    versions = (await client.get("rules/r/history", params={"limit": 1})).json()
    assert [(one["by"], one["reason"]) for one in versions["items"]] == [("admin", "ours first")]
    older = (await client.get("rules/r/history", params={"limit": 1, "cursor": versions["next_cursor"]})).json()
    assert [(one["by"], one["entry"]["priority"]) for one in older["items"]] == [(None, 100)]
    again = {"version": older["items"][0]["version"]}
    back = await client.post("rules/r/restore", json=again, headers={"if-match": first.headers["etag"]})
    assert (back.status_code, back.json()["priority"]) == (200, 100)
    assert back.json()["in_force"]["version"] == again["version"] + 2


async def test_of_two_at_the_very_same_time_one_is_too_late(client: httpx.AsyncClient) -> None:
    seen = {"if-match": (await client.get("rules/s")).headers["etag"]}
    both = await asyncio.gather(
        *(client.patch("rules/s", json={"priority": priority}, headers=seen) for priority in (1, 2))
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]
    kept = (await client.get("rules/s")).json()["priority"]
    assert [answer.json()["current"]["priority"] for answer in both if answer.status_code == 412] == [kept]


async def test_a_rule_is_made_once_deleted_and_brought_back(client: httpx.AsyncClient) -> None:
    once = {**NEW, "id": "once"}
    made = await client.post("rules", json=once, headers={"idempotency-key": "k1"})
    assert made.status_code == 201, made.text
    reached = made.json()["in_force"]
    assert (reached["is_everywhere"], reached["workers"], reached["version"], reached["problem"]) == (False, 0, 1, None)
    again = await client.post("rules", json=once, headers={"idempotency-key": "k1"})
    assert (again.status_code, again.headers["etag"]) == (201, made.headers["etag"])
    assert (await client.post("rules", json=once)).status_code == 409
    standing = (await client.get("rules/once/standing")).json()
    assert (standing["state"], standing["version"]) == ("in force", 1)
    whole = (await client.get("configuration")).json()
    assert (whole["is_complete"], whole["is_in_force"], whole["pending"], whole["workers"]) == (True, False, 0, [])
    gone = await client.delete("rules/once", headers={"if-match": made.headers["etag"]})
    assert (gone.status_code, gone.json()["in_force"]["version"]) == (200, 2)
    assert (await client.get("rules/once")).status_code == 404
    back = await client.post("rules/once/restore", json={"version": 1}, headers={"if-match": "*"})
    assert (back.status_code, back.json()["in_force"]["version"]) == (200, 3), back.text


async def test_without_kafka_nothing_is_changed(hub: Settings, authored: Database) -> None:
    async with Context(hub.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"}), wait=0.2) as context:
        transport = httpx.ASGITransport(build(context), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {TOKEN}", "if-match": "*"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://posto/api/admin/", headers=headers
        ) as client:
            assert (await client.get("rules/r")).json()["priority"] == 100
            for answer in (
                await client.patch("rules/r", json={"priority": 1}),
                await client.delete("rules/r"),
                await client.post("rules", json=NEW),
                await client.post("dry-runs", json={}),
                await client.get("configuration"),
            ):
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
    assert [row["priority"] for row in await authored.fetch("SELECT priority FROM routing_rules")] == [100, 100]


async def test_what_is_rarely_meant_is_refused_until_it_is_confirmed(hub: Settings, client: httpx.AsyncClient) -> None:
    before, audit = await in_force(hub), await read(hub.kafka_bootstrap_servers, topics.AUDIT_CHANGE)
    everyone = {"id": "all", "event_type": "whatsapp.inbound.*", "action": "whatsapp", "template": "t"}
    refused = await client.post("rules", json=everyone)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:posto:problem:dangerous")
    named = {error["field"] for error in refused.json()["errors"]}
    assert named == {"query.confirm.sends_to_everyone", "query.confirm.matches_nothing"}
    one = await client.post("rules", json=everyone, params={"confirm": "sends_to_everyone"})
    assert [error["field"] for error in one.json()["errors"]] == ["query.confirm.matches_nothing"]
    text = (await client.get("templates/t")).headers["etag"]
    typo = await client.patch("templates/t", json={"body": "{{ nmae }}"}, headers={"if-match": text})
    assert "nmae" in typo.json()["errors"][0]["message"]
    assert await in_force(hub) == before
    assert len(await read(hub.kafka_bootstrap_servers, topics.AUDIT_CHANGE)) == len(audit)
    both = {"confirm": ["sends_to_everyone", "matches_nothing"]}
    assert (await client.post("rules", json=everyone, params=both)).status_code == 201


async def test_a_dry_run_sends_nothing_and_says_what_would_differ(hub: Settings, client: httpx.AsyncClient) -> None:
    before = await read(hub.kafka_bootstrap_servers, topics.COMMAND_OUTBOUND)
    found = await client.post("dry-runs", json={"rules": [NEW], "last": 30, "most": 3})
    assert found.status_code == 200, found.text
    said = found.json()
    assert (said["events"], said["effects"]["sends_less"], len(said["differences"])) == (30, 20, 3)
    assert said["differences"][0]["now"]["text"] == "Olá Ana"
    nonsense = await client.post("dry-runs", json={"deleted_templates": ["t"]})
    assert (nonsense.status_code, "these rules name it: r" in nonsense.text) == (422, True)
    assert await read(hub.kafka_bootstrap_servers, topics.COMMAND_OUTBOUND) == before


async def test_rules_are_listed_page_by_page_and_put_in_order(
    hub: Settings, authored: Database, client: httpx.AsyncClient
) -> None:
    await authored.execute("INSERT INTO routing_rules (id, event_type, action) VALUES ('b', 'a.b', 'none')")
    await publish_configuration(hub)
    first = (await client.get("rules", params={"limit": 2, "text": "a."})).json()
    rest = (await client.get("rules", params={"limit": 2, "text": "a.", "cursor": first["next_cursor"]})).json()
    assert [rule["id"] for rule in (*first["items"], *rest["items"])] == ["b", "r", "s"]
    assert (await client.get("rules", params={"cursor": first["next_cursor"]})).status_code == 400
    order = [{"id": rule["id"], "etag": rule["etag"]} for rule in (first["items"][1], first["items"][0])]
    done = await client.put("rule-order", json={"rules": order})
    assert [(rule["id"], rule["priority"]) for rule in done.json()] == [("r", 100), ("b", 101)]
    late = await client.put("rule-order", json={"rules": order})
    assert (late.status_code, late.json()["current"]["id"]) == (412, "b")


async def test_what_makes_no_sense_is_a_422_that_names_the_field(client: httpx.AsyncClient) -> None:
    for change, field in (
        ({"event_type": "a..b"}, "body.event_type"),
        ({"conditions": {"x": {"$gt": []}}}, "body.conditions.x.$gt"),
        ({"template": "none", "action": "whatsapp"}, "body.template"),
        ({"action": "fly"}, "body.action"),
        ({"colour": "red"}, "body.colour"),
        ({"conditions": {"x": "\ud800"}}, "body.conditions"),
        ({"pace": {"seconds": "many"}}, "body.pace"),
    ):
        sent = json.dumps({**NEW, **change})
        answer = await client.post("rules", content=sent, headers={"content-type": "application/json"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"].startswith(field), answer.text
