"""A tenant gets its channel, by command line alone and by API alone, also where the gateway fails at each step once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from streams.identity import canonical_channel
from tests.e2e.hub import Hub, invoice, number, unique
from tests.support.qr_codes import read_png, read_terminal
from tests.support.stack import clean_environ, posto
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

FAILURES = {
    "get_channel": "http_502",
    "list_channels": "drop",
    "create_channel": "http_504",
    "qr": "invalid_qr",
    "channel_webhook": "empty_body",
    "messages": "http_429",
}
"""What goes wrong once at each step of the gateway's part."""


@pytest.fixture
async def tenants(hub: Hub) -> AsyncIterator[list[int]]:
    """Tenants that a test adds here, gone with their channels afterwards; the reconciler publishes that."""
    added: list[int] = []
    yield added
    for tenant in added:
        await hub.rows("DELETE FROM tenants WHERE id = %s", tenant)


@pytest.fixture(params=[False, True], ids=["all-well", "failing-at-each-step-once"])
async def failing(request: pytest.FixtureRequest, hub: Hub) -> bool:
    """Whether the gateway fails at each step once, for whichever channel comes next."""
    if request.param:
        faults = [{"kind": kind, "route": route} for route, kind in FAILURES.items()]
        (await hub.http.post(f"{hub.stack.simulator}/_sim/faults", json=faults)).raise_for_status()
    return bool(request.param)


async def scan(hub: Hub, code: str | None) -> None:
    """Hold a phone before a code."""
    (await hub.http.post(f"{hub.stack.simulator}/_sim/scan", json={"code": code})).raise_for_status()


async def works(hub: Hub, tenant: int, to: str) -> None:
    """Its webhook is set, its test message was read, and no fault is left."""
    row = "SELECT * FROM tenant_message_channels WHERE tenant_id = %s"
    assert (await hub.row(row, tenant))["webhook_configured"]
    sent = "SELECT * FROM outbound_messages WHERE tenant_id = %s"
    await hub.row(sent, tenant, check=lambda message: message["status"] == "read")
    assert len(await hub.messages(to)) == 1
    assert (await hub.http.get(f"{hub.stack.simulator}/_sim/faults")).json()["faults"] == []


async def test_by_command_line_alone_a_tenant_gets_a_channel_that_works(
    hub: Hub, tenants: list[int], failing: bool
) -> None:
    name, to = unique("Padaria"), number()
    tenants.append(int(hub.stack.posto("tenants", "add", name).stdout))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-P", "-m", "infra.cli", "channels", "connect", name, "--test-to", to, "--wait", "60"),
        cwd=hub.stack.layout.root,
        env={**clean_environ(), **hub.stack.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    shown = ""
    async for line in process.stdout:
        shown += line.decode()
        if not line.strip() and (code := read_terminal(shown)):
            await scan(hub, code)
    assert await process.wait() == 0, shown
    assert "works. To do: nothing" in shown
    assert shown.count("The gateway did not") == (4 if failing else 0)
    await works(hub, tenants[0], to)
    for hidden in ("PIXELHUB_WHATSAPP_WEBHOOK_SECRET", "WPP_GATEWAY_SECRET"):
        assert hub.stack.env[hidden] not in shown


class Api:
    """The Admin API; where it answers 503, the same is asked again, as it says."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._headers = {"Authorization": f"Bearer {hub.stack.env['POSTO_ADMIN_TOKEN']}"}
        self.repeated = 0

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        url, once = f"{self._hub.stack.edge}/api/admin/{path}", {"Idempotency-Key": unique("key")}
        while True:
            answer = await self._hub.http.request(method, url, json=body, headers=self._headers | once)
            if answer.status_code != 503:
                assert answer.is_success, answer.text
                return answer
            assert "retry-after" in answer.headers
            self.repeated += 1


async def test_by_api_alone_a_tenant_gets_a_channel_that_works(hub: Hub, tenants: list[int], failing: bool) -> None:
    api, to = Api(hub), number()
    tenant = (await api.ask("POST", "tenants", {"name": unique("Padaria")})).json()["id"]
    tenants.append(tenant)
    channel = (await api.ask("POST", "channels", {"tenant_id": tenant})).json()["id"]
    assert (await api.ask("GET", f"channels/{channel}/standing")).json()["next_step"] == "scan"
    code = (await api.ask("GET", f"channels/{channel}/qr")).json()["text"]
    assert read_png((await api.ask("GET", f"channels/{channel}/qr.png")).content) == code
    await scan(hub, code)

    async def is_connected() -> bool:
        told = (await api.ask("GET", f"channels/{channel}")).json()["state"]
        return bool(told == "connected")

    await eventually(is_connected, 30)
    assert (await api.ask("GET", f"channels/{channel}/standing")).json()["next_step"] == "webhook"
    assert (await api.ask("POST", f"channels/{channel}/connect")).json()["next_step"] == "test"
    event = (await api.ask("POST", f"channels/{channel}/test-message", {"to": to})).json()["event_id"]
    await hub.outbound(event, "read")
    await works(hub, tenant, to)

    async def is_done() -> bool:
        return bool((await api.ask("GET", f"channels/{channel}/standing")).json()["next_step"] == "done")

    await eventually(is_done, 30)
    assert api.repeated == (5 if failing else 0)


async def test_what_the_former_tenant_has_under_way_fails_where_a_channel_is_moved(
    hub: Hub, tenants: list[int]
) -> None:
    former, other = 5_153, 5_154
    tenants += [former, other]
    name, to = unique("Canal Mudado"), number()
    await hub.rows("INSERT INTO tenants (id, name) VALUES (%s, 'De'), (%s, 'Para')", former, other)
    await hub.rows("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)", former, name)
    await hub.publish()

    async def put(status: str) -> None:
        state = {"id": name, "status": status}
        (await hub.http.post(f"{hub.stack.simulator}/_sim/channels", json=state)).raise_for_status()

    await put("disconnected")
    bill = (await hub.post(invoice(to, channel=name, tenant_id=former))).json()["event_id"]
    await hub.outbound(bill, "parked")
    moved = hub.stack.posto("channels", "move", name, str(other), "--reason", "sold", "--by", "Ana")
    assert moved.returncode == 0, moved.stderr
    await put("connected")
    row = await hub.outbound(bill, "failed")
    assert row["last_error"].startswith("channel_changed")
    assert await hub.messages(to) == []
    entry = "SELECT * FROM audit_log WHERE subject = %s AND action = 'channel.moved'"
    assert (await hub.row(entry, f"channel:{canonical_channel(name)}"))["actor"] == "Ana"
    theirs = (await hub.post(invoice(to, tenant_id=other))).json()["event_id"]
    await hub.outbound(theirs, "read")


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PIXELHUB_WHATSAPP_WEBHOOK_URL", "http://127.0.0.1:9/api/whatsapp/webhook", "does not answer"),
        ("PIXELHUB_WHATSAPP_WEBHOOK_SECRET", "not-the-edges-secret", "refuses the secret"),
    ],
)
async def test_a_webhook_that_would_not_arrive_is_not_told_to_the_gateway(
    hub: Hub, setting: str, value: str, said: str
) -> None:
    async def told() -> Any:
        counted = (await hub.http.get(f"{hub.stack.simulator}/_sim/requests")).json()["by_route"]
        return counted.get("channel_webhook")

    before = await told()
    done = posto(hub.stack.layout.root, {**hub.stack.env, setting: value}, "channels", "webhook", "Canal Um")
    assert (done.returncode, said in done.stderr, await told()) == (1, True, before)
    assert value not in done.stderr or setting.endswith("URL")
