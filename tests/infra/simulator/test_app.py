"""The simulator starts, says so, and stops cleanly."""

import asyncio

import httpx
import pytest

from infra.simulator.app import create_app
from infra.simulator.config import SimulatorConfig
from infra.simulator.server import make_server
from tests.support.gateway import simulated
from tests.support.http import serving
from tests.support.waiting import eventually


async def test_it_says_that_it_is_there() -> None:
    async with simulated(SimulatorConfig(secret="s")) as simulator:
        assert (await simulator.http.get("/healthz")).json() == {"status": "ok"}


async def test_it_stops_with_webhooks_to_come_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with simulated(SimulatorConfig(webhook_url="http://127.0.0.1:1/", ack_delay_seconds=3600)) as simulator:
        await simulator.http.post("/api/messages", json={"channel": "Canal Um", "to": "5547999990001", "text": "oi"})
        assert (await simulator.control("GET", "webhooks"))["pending"] == 1
    assert asyncio.all_tasks() == before


async def test_it_stops_while_a_call_hangs() -> None:
    server = make_server(SimulatorConfig(emit_echo=False, acks=()), "127.0.0.1", 0, log_level="critical")
    server.config.timeout_graceful_shutdown = 0
    async with serving(server) as url, httpx.AsyncClient(base_url=url) as http:
        await http.post("/_sim/faults", json={"kind": "hang", "delay_seconds": 3600})
        body = {"channel": "Canal Um", "to": "5547999990001", "text": "oi"}
        hanging = asyncio.create_task(http.post("/api/messages", json=body))

        async def is_delivered() -> bool:
            return bool((await http.get("/_sim/messages")).json()["total"])

        await eventually(is_delivered)
        server.should_exit = True
        assert (await hanging).status_code == 500


async def test_two_simulators_share_nothing() -> None:
    config = SimulatorConfig(emit_echo=False, acks=())
    async with simulated(config) as one, simulated(config) as other:
        await one.configure(return_message_id=False)
        await one.control("POST", "channels", {"id": "Canal Novo", "status": "connected"})
        assert (await other.control("GET", "config"))["return_message_id"] is True
        assert len((await other.control("GET", "channels"))["channels"]) == 3
    assert config.return_message_id is True


async def test_a_connection_cannot_be_dropped_under_a_server_that_hides_it() -> None:
    transport = httpx.ASGITransport(create_app(SimulatorConfig()))
    async with httpx.AsyncClient(transport=transport, base_url="http://sim") as http:
        await http.post("/_sim/faults", json={"kind": "drop", "route": "list_channels"})
        with pytest.raises(RuntimeError, match="only under uvicorn"):
            await http.get("/api/channels")
