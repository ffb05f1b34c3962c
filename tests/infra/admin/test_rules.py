"""Rules and templates by the Admin API, on a real database and a real broker."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from adapters.mysql.pool import Database
from infra.configuration import publish_configuration
from infra.database import database
from infra.settings import Settings
from streams import topics
from tests.infra.admin.conftest import TOKEN, asking
from tests.infra.test_authoring import decided, projected
from tests.infra.test_configuration import SEEDS, author, in_force
from tests.infra.test_workers import worker
from tests.support.topics import read

pytestmark = pytest.mark.integration

NEW = {"id": "new", "event_type": "a.b", "action": "none", "priority": 1}


@pytest.fixture
async def authored(hub: Settings) -> AsyncIterator[Database]:
    """The tables of a hub with rules in force and events that were decided."""
    opened = database(hub, connections=2)
    await author(opened, *SEEDS)
    await publish_configuration(hub)
    await decided(hub, 60)
    yield opened
    await opened.close()


@pytest.fixture
async def client(hub: Settings, authored: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the hub that may do everything."""
    async with asking(hub.model_copy(update={"posto_admin_token": SecretStr(TOKEN)})) as client:
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
    assert await projected(hub, authored)
    versions = (await client.get("rules/r/history", params={"limit": 1})).json()
    assert [(one["version"], one["by"], one["reason"]) for one in versions["items"]] == [(2, "admin", "ours first")]
    older = (await client.get("rules/r/history", params={"limit": 1, "cursor": versions["next_cursor"]})).json()
    assert [(one["version"], one["by"], one["entry"]["priority"]) for one in older["items"]] == [(1, None, 100)]
    back = await client.post("rules/r/restore", json={"version": 1}, headers={"if-match": first.headers["etag"]})
    assert (back.status_code, back.json()["priority"], back.json()["in_force"]["version"]) == (200, 100, 3)


async def test_a_rule_is_made_once_in_force_in_the_workers_and_deleted(
    hub: Settings, client: httpx.AsyncClient
) -> None:
    async with worker(hub, "one"):
        key = {"idempotency-key": "k1"}
        made = await client.post("rules", json=NEW, headers=key, params={"wait": 5})
        assert made.status_code == 201, made.text
        reached = made.json()["in_force"]
        assert (reached["is_everywhere"], reached["workers"], reached["version"]) == (True, 1, 1)
        assert reached["seconds"] < 1
        again = await client.post("rules", json=NEW, headers=key)
        assert (again.status_code, again.headers["etag"]) == (201, made.headers["etag"])
        assert (await client.post("rules", json=NEW)).status_code == 409
        standing = (await client.get("rules/new/standing")).json()
        assert (standing["state"], standing["version"], standing["in_force"]["is_everywhere"]) == ("in force", 1, True)
        whole = (await client.get("configuration")).json()
        assert (whole["is_in_force"], whole["pending"], [one["worker"] for one in whole["workers"]]) == (
            True,
            0,
            ["one"],
        )
    gone = await client.delete("rules/new", headers={"if-match": made.headers["etag"]})
    assert (gone.status_code, gone.json()["in_force"]["workers"]) == (200, 0)
    assert (await client.get("rules/new")).status_code == 404
    back = await client.post("rules/new/restore", json={"version": 1}, headers={"if-match": "*"})
    assert back.status_code == 200, back.text


async def test_what_is_rarely_meant_is_refused_until_it_is_confirmed(hub: Settings, client: httpx.AsyncClient) -> None:
    before = await in_force(hub)
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
    assert not await read(hub.kafka_bootstrap_servers, topics.AUDIT_CHANGE)
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
    await author(authored, "INSERT INTO routing_rules (id, event_type, action) VALUES ('b', 'a.b', 'none')")
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
