"""Deliveries, dead letters, traces and the audit by API."""

from typing import Any

import httpx
import msgspec
import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra.context import Context
from schemas.audit import AuditChange
from schemas.deliveries import Evidence
from streams import topics
from streams.sending.inputs import Sent, Start, Take
from tests.adapters.mysql.log import PHONE, PROJECTED, Log, at, invoice
from tests.infra.admin.conftest import Taken
from tests.infra.test_dead_letters import dead
from tests.infra.test_deliveries import DOUBT, Sender, about

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def producer(db: Database, monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Two messages, one in doubt and one sent; three dead letters; a change on record. Kafka takes what is written."""
    for table in PROJECTED:
        await db.execute(f"DELETE FROM {table}")  # noqa: S608
    log, sender, taken = Log(), Sender(db), Taken()
    doubtful, sent = about(1), about(2, channel="canaldois", tenant_id=2)
    await sender.let(doubtful, Take(doubtful), Start(), DOUBT, seconds=10)
    await sender.let(sent, Take(sent), Start(), Sent(1), seconds=20)
    change = AuditChange(
        action="rule.changed", subject="rule:billing", actor="Ana", at=at(5), reason="fewer", detail={"a": 1}
    )
    letters = [dead(0), dead(1, value=b'{"a": 1}'), dead(2, "router", topics.EVENT_NORMALIZED)]
    await Projector(db).project(
        [
            log.accepted(invoice(1)),
            log.append(topics.AUDIT_CHANGE, msgspec.json.encode(change)),
            *(log.append(topics.DEAD_LETTER, out.value, 0, out.headers, seconds=n) for n, out in enumerate(letters)),
        ]
    )

    async def take(_: Context) -> Taken:
        return taken

    monkeypatch.setattr(Context, "producer", take)
    return taken


async def ids(api: httpx.AsyncClient, path: str, name: str, **filters: Any) -> list[Any]:
    """What is listed, one an item on its page."""
    found: list[Any] = []
    while True:
        answer = await api.get(f"/api/admin/{path}", params={"limit": 1, **filters})
        assert answer.status_code == 200, answer.text
        found += [item[name] for item in answer.json()["items"]]
        if not (cursor := answer.json()["next_cursor"]):
            return found
        filters["cursor"] = cursor


async def test_deliveries_are_found_by_all_their_filters(api: httpx.AsyncClient) -> None:
    first, second = about(1).command_id, about(2).command_id

    async def found(**filters: Any) -> list[Any]:
        return await ids(api, "deliveries", "command_id", **filters)

    assert set(await found()) == set(await found(to=PHONE)) == {first, second}
    assert await found(status="uncertain") == await found(tenant=1) == await found(text="fatura 1") == [first]
    assert await found(channel="Canal Dois") == await found(channel="canaldois", status="sent", tenant=2) == [second]
    assert await found(type="order.paid") == await found(since="2030-01-01T00:00:00Z") == []
    assert (await api.get("/api/admin/deliveries", params={"to": "?"})).json()["errors"][0]["field"] == "query.to"


async def test_a_delivery_is_shown_with_what_may_be_decided_and_the_decision_is_on_record(
    api: httpx.AsyncClient, producer: Taken
) -> None:
    path = f"/api/admin/deliveries/{about(1).command_id}"
    shown = (await api.get(path)).json()
    settled = await api.post(f"{path}/settle", json={"outcome": "sent", "why": "it is in the chat"})

    assert shown["open_to"] == ["sent", "not_sent", "resend", "cancel"]
    assert [fact["fact"] for fact in shown["facts"]] == ["accepted", "attempt_started", "in_doubt"]
    assert (settled.status_code, settled.json()["by"]) == (202, "admin")
    said = msgspec.json.decode(producer.others[topics.DELIVERY_EVIDENCE][0], type=Evidence)
    assert said.detail == {"decision": "sent", "by": "admin", "why": "it is in the chat"}
    [change] = producer.changes
    assert (change.action, change.subject) == ("delivery.settled_as_sent", f"delivery:{about(1).command_id}")


async def test_what_cannot_be_decided_is_refused(api: httpx.AsyncClient, producer: Taken) -> None:
    closed = await api.post(f"/api/admin/deliveries/{about(2).command_id}/settle", json={"outcome": "sent"})
    nobody = await api.post("/api/admin/deliveries/nothing/cancel", json={})

    assert (closed.status_code, nobody.status_code) == (409, 404)
    assert producer.changes == []


async def test_dead_letters_are_found_and_shown_with_their_record(api: httpx.AsyncClient) -> None:
    name = "normalizer:raw.event/0@1"

    async def found(**filters: Any) -> list[Any]:
        return [one.rpartition("@")[2] for one in await ids(api, "dead-letters", "id", **filters)]

    assert await found() == ["2", "1", "0"]
    assert await found(stage="normalizer") == await found(topic=topics.RAW_EVENT, state="all") == ["1", "0"]
    assert await found(text="REASON 1") == await found(trace="trace-1") == ["1"]
    assert await found(state="redriven") == await found(tenant=9) == []
    shown = (await api.get(f"/api/admin/dead-letters/{name}")).json()
    assert (shown["id"], shown["body"], [one["what"] for one in shown["history"]]) == (name, {"a": 1}, ["failed"])
    assert (await api.get("/api/admin/dead-letters/normalizer:raw.event/0@0")).json()["text"] == "{"
    assert (await api.get("/api/admin/dead-letters/normalizer:raw.event/0@9")).status_code == 404
    assert (await api.get("/api/admin/dead-letters/nothing")).status_code == 422


async def test_a_trace_is_found_by_a_phone_a_key_and_an_id(api: httpx.AsyncClient) -> None:
    event = invoice(1)
    for wanted in (event.event_id, event.idempotency_key, about(1).command_id, event.trace_id):
        [found] = (await api.get("/api/admin/traces", params={"of": wanted})).json()["items"]
        assert found["event"]["event_id"] == event.event_id
        assert [fact["record"] for fact in found["commands"][0]["facts"]] == [
            f"delivery.status/0@{n}" for n in range(3)
        ]
    assert len((await api.get("/api/admin/traces", params={"of": PHONE})).json()["items"]) == 2
    assert (await api.get("/api/admin/traces", params={"of": "nothing"})).json() == {"items": []}
    assert (await api.get("/api/admin/traces")).status_code == 422


async def test_the_audit_says_who_did_what_and_why(api: httpx.AsyncClient) -> None:
    [change] = (await api.get("/api/admin/audit", params={"actor": "Ana", "subject": "rule:billing"})).json()["items"]

    assert (change["action"], change["reason"], change["detail"]) == ("rule.changed", "fewer", {"a": 1})
    assert change["record"] == "audit.change/0@0"
    assert (await api.get("/api/admin/audit", params={"action": "rule.deleted"})).json()["items"] == []
