"""Webhooks are posted once, to the right address, with its secret; what fails is recorded and not repeated."""

import json

import pytest

from infra.simulator.config import SimulatorConfig
from infra.simulator.emissions import Emission
from infra.simulator.state import State, Webhook
from infra.simulator.webhooks import WebhookPoster
from tests.infra.simulator.conftest import TO, World
from tests.support.http import receiving, refusing

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_echo_and_acks_follow_a_send_in_order(world: World) -> None:
    message_id = (await world.send()).json()["messageId"]
    echo, *acks = await world.webhooks()
    assert (echo["event"], echo["message"]["id"], echo["message"]["text"]) == ("message", message_id, "oi")
    assert [ack["raw"]["payload"]["ack"] for ack in acks] == [1, 2, 3]
    assert {ack["raw"]["payload"]["id"]["_serialized"] for ack in acks} == {message_id}
    assert world.inbox.secrets == ["hub-secret"] * 4


async def test_an_echo_can_come_before_the_answer(world: World) -> None:
    await world.simulator.configure(acks=[])
    await world.simulator.fault("echo_first")
    await world.send()
    assert len(world.inbox.bodies) == 1


@pytest.mark.parametrize(("status", "failed"), [(202, 0), (401, 4), (503, 4), (302, 4)])
async def test_an_answer_that_is_no_2xx_is_a_failure_and_not_repeated(world: World, status: int, failed: int) -> None:
    world.inbox.status = status
    await world.send()
    assert len(await world.webhooks()) == 4
    shown = await world.simulator.control("GET", "webhooks")
    assert (shown["posted"], shown["failed"], shown["outcomes"]) == (4, failed, {str(status): 4})
    assert len(shown["failures"]) == failed


async def test_a_hub_that_is_away_is_a_failure_too(world: World) -> None:
    with refusing() as url:
        await world.api.post("/api/webhooks", json={"url": url})
        await world.send()
        await world.simulator.quiet()
    shown = await world.simulator.control("GET", "webhooks")
    assert shown["outcomes"] == {"ConnectError": 4}


async def test_a_webhook_set_by_the_api_carries_its_own_secret(world: World) -> None:
    async with receiving() as own:
        await world.api.post("/api/channels/Canal%20Um/webhook", json={"url": own.url, "secret": "own"})
        await world.simulator.control("POST", "inbound", {"from": TO})
        assert own.secrets == ["own"]
    assert world.inbox.bodies == []


async def test_without_an_address_nothing_is_posted() -> None:
    webhooks = WebhookPoster(State(), SimulatorConfig())
    assert await webhooks.post(b"{}", "Canal Um") == "no_address"
    assert webhooks.shown()["outcomes"] == {"no_address": 1}
    await webhooks.aclose()


async def test_webhooks_to_come_are_dropped_at_the_end() -> None:
    async with receiving() as inbox:
        state = State()
        state.webhook = Webhook(inbox.url)
        webhooks = WebhookPoster(state, SimulatorConfig())
        webhooks.emit_later([Emission(3600.0, {"n": 1})], "Canal Um")
        assert webhooks.shown()["pending"] == 1
        await webhooks.aclose()
        assert webhooks.shown()["pending"] == 0
        assert inbox.bodies == []


async def test_the_body_is_json_and_says_so(world: World) -> None:
    await world.simulator.control("POST", "inbound", {"from": TO, "text": "ação ✓"})
    assert "ação ✓".encode() in world.inbox.bodies[0]
    assert json.loads(world.inbox.bodies[0])["message"]["text"] == "ação ✓"
