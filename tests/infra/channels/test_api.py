"""Tenants and channels by API: the same operations as on the command line, one step a request."""

import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka.errors import KafkaConnectionError

from infra import qr_codes
from infra.admin.app import build
from infra.channels import registry
from schemas.audit import AuditAction
from streams import topics
from tests.infra.channels.conftest import TOKEN, World
from tests.support.qr_codes import read_png, read_terminal

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

CHANNELS = "/api/admin/channels"
TENANTS = "/api/admin/tenants"


@pytest_asyncio.fixture(loop_scope="module")
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may do everything."""
    await world.db.execute("DELETE FROM admin_answers")
    transport = httpx.ASGITransport(build(world), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://posto", headers=headers) as client:
        yield client


async def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def added(api: httpx.AsyncClient, name: str = "Padaria Sol") -> int:
    return int((await ok(await api.post(TENANTS, json={"name": name}), 201))["id"])


async def begun(api: httpx.AsyncClient, name: str = "Padaria Sol", channel: str | None = None) -> dict[str, Any]:
    body = {"tenant_id": await added(api, name), "channel_id": channel}
    shown: dict[str, Any] = await ok(await api.post(CHANNELS, json=body), 201)
    return shown


async def problem(answer: httpx.Response, status: int, words: str) -> dict[str, Any]:
    """The problem document of a refusal, which says what to do."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    shown: dict[str, Any] = answer.json()
    assert words in shown["detail"]
    return shown


async def test_a_code_is_drawn_while_the_loop_does_other_things(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await begun(api, channel="Padaria Sol")
    drawers: set[int] = set()

    def noting(draw: Callable[[str], Any]) -> Callable[[str], Any]:
        def drawn(text: str) -> Any:
            drawers.add(threading.get_ident())
            return draw(text)

        return drawn

    for name in ("png", "in_terminal"):
        monkeypatch.setattr(qr_codes, name, noting(getattr(qr_codes, name)))
    for route in ("qr", "qr.png"):
        assert (await api.get(f"{CHANNELS}/{channel['id']}/{route}")).status_code == 200
    assert drawers
    assert threading.get_ident() not in drawers


async def test_step_by_step_from_a_tenant_to_a_channel_that_only_lacks_its_test(
    api: httpx.AsyncClient, world: World
) -> None:
    channel = await begun(api, channel="Padaria Sol")
    path = f"{CHANNELS}/{channel['id']}"
    standing = await ok(await api.get(f"{path}/standing"))
    assert (standing["gateway_state"], standing["next_step"]) == ("qr_required", "scan")

    code = await api.get(f"{path}/qr")
    image = await api.get(f"{path}/qr.png")
    text = (await ok(code))["text"]
    assert (read_png(image.content), read_terminal(code.json()["drawn"])) == (text, text)
    assert image.headers["content-type"] == "image/png"
    assert code.headers["cache-control"] == image.headers["cache-control"] == "no-store"
    assert (await ok(await api.post(f"{path}/connect")))["next_step"] == "scan"

    await world.simulator.control("POST", "scan", {"code": text})
    assert (await ok(await api.get(f"{path}/standing")))["next_step"] == "webhook"
    done = await ok(await api.post(f"{path}/connect"))
    assert (done["next_step"], done["channel"]["webhook_configured"]) == ("test", True)
    assert "posto channels test" in done["what_to_do"]
    await problem(await api.get(f"{path}/qr"), 409, "is connected and needs no QR code")

    sent = await ok(await api.post(f"{path}/test-message", json={"to": "+55 47 99999-0001"}), 202)
    ((_, value),) = [(key, value) for topic, key, value in world.kafka.records if topic == topics.RAW_EVENT]
    assert b'"to":"5547999990001"' in value
    assert sent["trace_id"].encode() in value
    assert {change.actor for change in world.audit()} == {"admin"}
    assert all(change.trace_id for change in world.audit())


async def test_a_test_message_whose_answer_was_lost_is_the_same_event_again(
    api: httpx.AsyncClient, world: World
) -> None:
    path = f"{CHANNELS}/{(await begun(api))['id']}/test-message"
    sent = []
    for key in ("one", "one", "other"):
        answer = await api.post(path, json={"to": "5547999990001"}, headers={"Idempotency-Key": key})
        sent.append((await ok(answer, 202))["event_id"])
        await world.db.execute("DELETE FROM admin_answers")  # as after a COMMIT that was lost
    sent += [(await ok(await api.post(path, json={"to": "5547999990001"}), 202))["event_id"] for _ in range(2)]
    assert sent[0] == sent[1]
    assert len({*sent}) == 4


@pytest.mark.parametrize("route", ["get_channel", "list_channels", "create_channel"])
async def test_a_creation_that_the_gateway_fails_leaves_nothing_and_may_be_repeated(
    api: httpx.AsyncClient, world: World, route: str
) -> None:
    body = {"tenant_id": await added(api)}
    await world.simulator.fault("http_502", route=route)
    key = {"Idempotency-Key": "one"}
    refused = await api.post(CHANNELS, json=body, headers=key)
    await problem(refused, 503, "Do the same again")
    assert "retry-after" in refused.headers
    assert await registry.channels(world) == []
    first = await ok(await api.post(CHANNELS, json=body, headers=key), 201)
    assert await ok(await api.post(CHANNELS, json=body, headers=key), 201) == first
    assert (await ok(await api.get(CHANNELS)))["items"] == [first | {"in_force": None}]


@pytest.mark.parametrize(("fault", "route"), [("http_504", "qr"), ("invalid_qr", "qr"), ("drop", "get_channel")])
async def test_a_code_that_the_gateway_does_not_give_is_asked_for_again(
    api: httpx.AsyncClient, world: World, fault: str, route: str
) -> None:
    path = f"{CHANNELS}/{(await begun(api))['id']}"
    await world.simulator.fault(fault, route=route)
    asked = f"{path}/qr" if route == "qr" else f"{path}/standing"
    refused = await api.get(asked)
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
    await ok(await api.get(asked))


async def test_bad_input_is_refused_with_what_to_do_and_nothing_is_half_done(
    api: httpx.AsyncClient, world: World
) -> None:
    mine = await begun(api, "Um", "Canal Um")
    other = await added(api, "Dois")
    before = (await world.simulator.requests())["by_route"].get("create_channel")

    async def add(**body: Any) -> httpx.Response:
        return await api.post(CHANNELS, json=body)

    await problem(await add(tenant_id=4711), 404, "There is no tenant 4711")
    await problem(await add(tenant_id=other, channel_id="CANALUM"), 409, "belongs to tenant")
    await problem(await add(tenant_id=mine["tenant_id"], channel_id="outro"), 409, "one channel per tenant")
    wrong = await problem(await add(tenant_id=other, channel_id="a/b"), 422, "is no name of a channel")
    assert wrong["errors"][0]["field"] == "body.channel_id"
    await problem(await add(tenant_id="2"), 422, "body.tenant_id")
    await problem(await api.get(f"{CHANNELS}/ninguém"), 404, "No tenant has a channel 'ninguém'")
    await problem(await api.post(f"{CHANNELS}/canalum/test-message", json={"to": "ninguém"}), 422, "to: ")
    await problem(await api.get(f"{TENANTS}/4711"), 404, "There is no tenant 4711")
    await problem(await api.post(TENANTS, json={"name": "X", "time_zone": "Marte/Olimpo"}), 422, "no IANA name")
    assert (await world.simulator.requests())["by_route"].get("create_channel") == before
    assert [row.id for row in await registry.channels(world)] == ["canalum"]


async def test_a_change_needs_the_etag_of_what_it_changes(api: httpx.AsyncClient, world: World) -> None:
    path = f"{CHANNELS}/{(await begun(api))['id']}"
    read = await api.get(path)
    tag = {"If-Match": read.headers["etag"]}
    assert (await api.patch(path, json={"is_enabled": False})).status_code == 428
    changed = await api.patch(path, json={"is_enabled": False}, headers=tag)
    assert (await ok(changed))["is_enabled"] is False
    late = await problem(await api.patch(path, json={"display_name": "X"}, headers=tag), 412, "changed it since")
    assert late["current"]["is_enabled"] is False
    tag = {"If-Match": changed.headers["etag"]}
    pace = {"pace": {"every_seconds": 5}}
    tag = {"If-Match": (await api.patch(path, json={"metadata": pace}, headers=tag)).headers["etag"]}
    assert (await registry.channel(world, "padariasol")).metadata == pace
    bad = {"metadata": {"pace": {"every_seconds": -1}}}
    await problem(await api.patch(path, json=bad, headers=tag), 422, "metadata.pace.every_seconds: must be")
    assert await ok(await api.patch(path, json={"metadata": None, "is_enabled": None}, headers=tag))
    assert (await registry.channel(world, "padariasol")).metadata is None
    assert (await registry.channel(world, "padariasol")).is_enabled is False


async def test_a_channel_is_moved_and_the_move_is_on_record(api: httpx.AsyncClient, world: World) -> None:
    channel = await begun(api)
    other = await added(api, "Dois")
    path = f"{CHANNELS}/{channel['id']}"
    tag = {"If-Match": (await api.get(path)).headers["etag"]}
    body = {"tenant_id": other, "reason": "sold"}
    moved = await ok(await api.post(f"{path}/move", json=body, headers=tag))
    assert (moved["tenant_id"], moved["in_force"]["is_everywhere"]) == (other, True)
    assert (world.audit()[-1].action, world.audit()[-1].reason) == (AuditAction.CHANNEL_MOVED, "sold")


@pytest.mark.parametrize("kind", ["channel", "tenant"])
async def test_a_change_that_cannot_be_published_yet_is_saved_and_says_so(
    api: httpx.AsyncClient, world: World, kind: str
) -> None:
    channel = await begun(api)
    path = f"{CHANNELS}/{channel['id']}" if kind == "channel" else f"{TENANTS}/{channel['tenant_id']}"

    async def away(*_: Any) -> Any:
        raise KafkaConnectionError("away")

    world.publisher = away  # type: ignore[method-assign]
    try:
        changed = await ok(await api.patch(path, json={"is_enabled": False}, headers={"If-Match": "*"}))
    finally:
        del world.publisher
    assert (changed["is_enabled"], changed["in_force"]["is_everywhere"]) == (False, False)
    assert "the workers publish it" in changed["in_force"]["problem"]


async def test_lists_are_filtered_and_come_in_pages(api: httpx.AsyncClient) -> None:
    for name in ("Um", "Dois", "Três"):
        await begun(api, name, name)
    await ok(await api.patch(f"{CHANNELS}/dois", json={"is_enabled": False}, headers={"If-Match": "*"}))

    async def listed(path: str, name: str, **query: Any) -> list[str]:
        names: list[str] = []
        while True:
            page = await ok(await api.get(path, params=query))
            names += [item[name] for item in page["items"]]
            if not (cursor := page["next_cursor"]):
                return names
            query["cursor"] = cursor

    assert await listed(CHANNELS, "channel_id", limit=1) == ["Um", "Dois", "Três"]
    assert await listed(CHANNELS, "channel_id", enabled=True) == ["Um", "Três"]
    assert await listed(CHANNELS, "channel_id", text="UM", webhook=False) == ["Um"]
    assert await listed(CHANNELS, "channel_id", state="connected") == []
    assert await listed(TENANTS, "name", limit=2) == ["Um", "Dois", "Três"]
    assert await listed(TENANTS, "name", text="três") == ["Três"]
    page = await ok(await api.get(CHANNELS, params={"limit": 1}))
    foreign = {"cursor": page["next_cursor"], "enabled": True}
    await problem(await api.get(CHANNELS, params=foreign), 400, "of another query")


async def test_a_tenant_is_changed(api: httpx.AsyncClient) -> None:
    tenant = await added(api)
    tag = {"If-Match": (await api.get(f"{TENANTS}/{tenant}")).headers["etag"]}
    changed = await api.patch(f"{TENANTS}/{tenant}", json={"time_zone": "America/Manaus"}, headers=tag)
    assert (await ok(changed))["time_zone"] == "America/Manaus"
    assert changed.json()["in_force"]["is_everywhere"] is True
    assert changed.headers["etag"] != tag["If-Match"]


async def test_texts_that_no_json_can_hold_are_refused(api: httpx.AsyncClient) -> None:
    await begun(api)
    json = {"content-type": "application/json", "If-Match": "*"}
    half = b'"\\ud800"'
    for method, path, body in (
        ("POST", TENANTS, b'{"name": %s}' % half),
        ("POST", f"{CHANNELS}/padariasol/test-message", b'{"to": "5547999990001", "text": %s}' % half),
        ("PATCH", f"{CHANNELS}/padariasol", b'{"metadata": {"a": %s}}' % half),
        ("PATCH", f"{CHANNELS}/padariasol", b'{"metadata": {"a": 1e999}}'),
        ("PATCH", f"{CHANNELS}/padariasol", b'{"metadata": {"a": ' + b"[" * 60 + b"]" * 60 + b"}}"),
    ):
        assert (await api.request(method, path, content=body, headers=json)).status_code == 422


async def test_the_lists_of_gateway_and_hub_are_compared(api: httpx.AsyncClient, world: World) -> None:
    shown = await ok(await api.get("/api/admin/gateway/channels"))
    assert {(item["kind"], item["there"]) for item in shown["items"]} == {
        ("unknown_here", name) for name in ("Canal Um", "Canal Dois", "Canal Três")
    }
    told = await ok(await api.put("/api/admin/gateway/webhook"))
    assert told == {"url": "http://hub.example/api/whatsapp/webhook", "probe": "raw.webhook/0@1"}
    assert (await world.simulator.requests())["by_route"]["global_webhook"] == {"200": 1}
