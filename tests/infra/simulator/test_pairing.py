"""The simulated gateway shows real QR codes, renews them, and lets a phone scan one."""

from typing import Any

import pytest

from infra import qr_codes
from infra.simulator.pairing import PairingCodes
from schemas.gateway_qr import QrCode
from tests.infra.simulator.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAITING = "Canal Dois"
PATH = "/api/channels/Canal%20Dois/qr"


async def shown(world: World) -> str | None:
    """The code of the waiting channel, read as the hub reads it."""
    return qr_codes.text_of(QrCode.model_validate((await world.api.get(PATH)).json()))


async def scan(world: World, code: str | None) -> Any:
    """Hold a phone before the code."""
    return await world.simulator.http.post("/_sim/scan", json={"code": code})


@pytest.mark.parametrize("shape", ["qr", "base64Qrimg", "image", "data", "result", "text"])
@pytest.mark.parametrize("is_url", [True, False], ids=["data-url", "bare"])
async def test_a_phone_that_scans_the_code_connects_the_channel(world: World, shape: str, is_url: bool) -> None:
    await world.simulator.configure(qr_shape=shape, qr_as_data_url=is_url)
    code = await shown(world)
    assert (await scan(world, code)).json()["channel"]["status"] == "connected"
    assert (await world.api.get(PATH)).json() == {"qr": None, "status": "CONNECTED"}
    (told,) = await world.webhooks()
    assert (told["event"], told["session"]["id"], told["connection"]) == (
        "connection.update",
        WAITING,
        {"status": "connected"},
    )
    assert (await scan(world, code)).status_code == 404


async def test_the_webhook_of_the_channel_is_told_that_it_is_connected(world: World) -> None:
    webhook = {"url": world.inbox.url, "secret": "of-the-channel"}
    (await world.api.post("/api/channels/Canal%20Dois/webhook", json=webhook)).raise_for_status()
    assert (await scan(world, await shown(world))).json()["webhooks"] == ["202"]
    assert world.inbox.secrets == ["of-the-channel"]


async def test_a_code_that_is_over_is_renewed_and_cannot_be_scanned(world: World) -> None:
    await world.simulator.configure(qr_seconds=0.001)
    first, second = await shown(world), await shown(world)
    assert None not in (first, second)
    assert first != second
    assert (await scan(world, first)).status_code == 404


async def test_a_code_stays_the_same_while_it_is_shown() -> None:
    codes = PairingCodes()
    first = codes.of("a", 100.0, 20.0)
    assert codes.of("a", 119.9, 20.0) == first
    assert codes.of("b", 119.9, 20.0) != first
    assert codes.of("a", 120.0, 20.0) != first
    assert codes.scanned(first, 120.0) is None


async def test_a_disconnected_channel_shows_a_code_once_it_is_started_again(world: World) -> None:
    path = "/api/channels/Canal%20Tr%C3%AAs/qr"
    assert "qr" not in (await world.api.get(path)).json()
    await world.api.post("/api/channels", json={"channel": "Canal Três"})
    assert "qr" in (await world.api.get(path)).json()
