"""A rule and its template from their making to a message on the phone, by API and by command line."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.hub import TENANT, Hub, number, unique

pytestmark = pytest.mark.e2e


@pytest.fixture
async def api(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {hub.stack.env['POSTO_ADMIN_TOKEN']}"}
    async with httpx.AsyncClient(base_url=f"{hub.stack.edge}/api/admin/", headers=headers, timeout=60) as client:
        yield client


async def test_a_rule_is_in_force_within_a_second_sends_and_is_tried_without_sending(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    name, event_type, phone = unique("rule"), unique("test.rules"), number()
    event = {"source_system": "shop", "event_type": event_type, "tenant_id": TENANT, "payload": {"phone": phone}}
    other = await hub.post({**event, "event_type": unique("test.other"), "external_id": unique("E")})
    await hub.event(other.json()["event_id"], "no_rule")
    text = await api.post("templates", json={"name": name, "body": "Oi {{ item }}"})
    assert text.status_code == 201, text.text
    rule = {"id": name, "event_type": event_type, "action": "whatsapp", "template": name}
    refused = await api.post("rules", json=rule)
    assert refused.status_code == 409, refused.text
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "query.confirm.matches_nothing")
    made = await api.post("rules", json=rule, params={"confirm": "matches_nothing", "wait": 10})
    assert made.status_code == 201, made.text
    assert made.json()["in_force"]["is_everywhere"]
    assert made.json()["in_force"]["seconds"] < 1
    standing = (await api.get(f"rules/{name}/standing")).json()
    assert (standing["state"], standing["in_force"]["is_everywhere"]) == ("in force", True)
    assert [worker["is_current"] for worker in (await api.get("configuration")).json()["workers"]] == [True]

    first = await hub.post({**event, "external_id": unique("E"), "payload": {"phone": phone, "item": "um"}})
    await hub.outbound(first.json()["event_id"], "sent")

    tried = await api.post("dry-runs", json={"templates": [{"name": name, "body": "Tchau {{ item }}"}], "last": 1_000})
    assert tried.json()["effects"] == {"other_text": 1}
    typo = await api.patch(f"templates/{name}", json={"body": "{{ itme }}"}, headers={"if-match": text.headers["etag"]})
    assert (typo.status_code, typo.json()["errors"][0]["field"]) == (409, "query.confirm.unknown_variable")

    off = hub.stack.posto("rules", "disable", name, "--by", "Ana", "--json")
    assert off.returncode == 0, off.stdout + off.stderr
    assert json.loads(off.stdout)[0]["in_force"]["workers"] == 1
    second = await hub.post({**event, "external_id": unique("E"), "payload": {"phone": phone, "item": "dois"}})
    await hub.event(second.json()["event_id"], "no_rule")
    assert [message["text"] for message in await hub.messages(phone)] == ["Oi um"]
    said = await hub.row("SELECT actor FROM audit_log WHERE subject = %s AND action = 'rule.changed'", f"rule:{name}")
    assert said["actor"] == "Ana"
