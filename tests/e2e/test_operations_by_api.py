"""An operator's day by the Admin API: find a message, follow it, put aside what died, see who did it."""

import json
from typing import Any

import pytest

from tests.e2e.hub import Hub, invoice, number, unique
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


class Api:
    """The Admin API with one token."""

    def __init__(self, hub: Hub, token: str) -> None:
        self._hub = hub
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **filters: Any) -> Any:
        """What a route shows."""
        answer = await self._hub.http.get(
            f"{self._hub.stack.edge}/api/admin/{path}", params=filters, headers=self._headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """What a route answers."""
        url = f"{self._hub.stack.edge}/api/admin/{path}"
        answer = await self._hub.http.post(url, json=body, headers=self._headers)
        return answer.status_code, answer.json()


def api_of(hub: Hub, scope: str) -> tuple[str, Api]:
    """A token of a fresh name, made on the command line."""
    name = unique("api")
    made = hub.stack.posto("tokens", "create", name, "--scope", scope, "--by", "Ana")
    assert made.returncode == 0, made.stderr
    return name, Api(hub, made.stdout.strip())


async def test_a_message_is_found_and_followed_and_what_cannot_be_decided_is_refused(hub: Hub) -> None:
    to = number()
    _, api = api_of(hub, "operate")
    sent = (await hub.post(invoice(to))).json()
    await hub.outbound(sent["event_id"], "read")

    [delivery] = (await api.get("deliveries", to=to, status="read"))["items"]
    traces = (await api.get("traces", of=to))["items"]
    [event] = (await api.get("events", type="billing.invoice.overdue", text=to))["items"]
    shown = await api.get(f"deliveries/{delivery['command_id']}")
    assert {delivery["event_id"], event["event_id"]} == {sent["event_id"]}
    assert sent["event_id"] in [trace["event"]["event_id"] for trace in traces]
    assert [fact["status"] for fact in shown["facts"]][-1] == "read"
    status, problem = await api.post(f"deliveries/{delivery['command_id']}/cancel", {})
    assert (status, problem["type"]) == (409, "urn:posto:problem:conflict")


async def test_a_dead_letter_is_put_aside_by_name(hub: Hub) -> None:
    name, api = api_of(hub, "operate")
    _, reader = api_of(hub, "read")
    mark = unique("broken")
    await hub.producer.send_and_wait("raw.event", json.dumps({"mark": mark}).encode(), key=mark.encode())

    async def letter() -> Any:
        found = (await api.get("dead-letters", stage="normalizer", limit=100))["items"]
        shown = [await api.get(f"dead-letters/{one['id']}") for one in found]
        return next((one for one in shown if mark in json.dumps(one["body"])), None)

    found = await eventually(letter, 30)
    order = {"names": [found["id"]], "reason": "a scanner's garbage"}
    status, problem = await reader.post("dead-letters/discard", order)
    assert (status, problem["type"]) == (403, "urn:posto:problem:out-of-scope")
    assert await api.post("dead-letters/discard", order) == (200, {"done": 1, "refused": {}})

    async def discarded() -> bool:
        return bool((await api.get(f"dead-letters/{found['id']}"))["state"] == "discarded")

    await eventually(discarded, 30)
    [change] = (await reader.get("audit", actor=name))["items"]
    assert (change["action"], change["reason"]) == ("dead_letter.discarded", "a scanner's garbage")
    [made] = (await reader.get("audit", subject=f"token:{name}"))["items"]
    assert (made["action"], made["actor"], made["detail"]) == ("token.created", "Ana", {"scope": "operate"})
