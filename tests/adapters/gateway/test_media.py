"""The file of a message, as the gateway gives it away."""

from base64 import b64encode
from typing import Any

import pytest

from adapters.gateway import GatewayClient, NotSent, Permanent, Unknown
from tests.support.gateway import Simulated

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANNEL = "Canal Um"
VOICE = b64encode(b"OggS voice").decode()


async def arrived(simulator: Simulated, encoded: str = VOICE, **fields: Any) -> str:
    """A message whose file the gateway has; its id."""
    await simulator.configure(media_delay_seconds=0)
    body = {"from": "5547999990001", "type": "ptt", "text": "", "media_base64": encoded, "mime_type": "audio/ogg"}
    answer = await simulator.control("POST", "inbound", body | fields)
    message_id: str = answer["message_id"]
    return message_id


async def test_a_file_is_asked_for_by_the_exact_channel_and_the_full_id(
    gateway: GatewayClient, simulator: Simulated
) -> None:
    found = await gateway.get_media(CHANNEL, await arrived(simulator))

    assert (found.media_base64, found.mime_type) == (VOICE, "audio/ogg")


@pytest.mark.parametrize("message_id", ["false_120363@g.us_3EB0AA_55 47@c.us", "a%2Fb#c?d=e&f+g", "ção"])
async def test_an_id_of_any_spelling_arrives_as_it_is(
    gateway: GatewayClient, simulator: Simulated, message_id: str
) -> None:
    await arrived(simulator, id=message_id)

    assert (await gateway.get_media(CHANNEL, message_id)).media_base64 == VOICE


async def test_a_file_that_is_not_there_yet_is_not_found(gateway: GatewayClient, simulator: Simulated) -> None:
    message_id = await arrived(simulator)
    await simulator.configure(media_delay_seconds=3600)

    with pytest.raises(NotSent, match="media_not_found"):
        await gateway.get_media(CHANNEL, message_id)
    with pytest.raises(NotSent, match="channel_not_found"):
        await gateway.get_media("canal um", message_id)


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        ("http_500", Unknown, "http_500"),
        ("http_504", Unknown, "html_504"),
        ("http_429", NotSent, "http_429"),
        ("http_422", Permanent, "http_422"),
        ("empty_body", Unknown, "empty_body"),
        ("not_json", Unknown, "not_json"),
        ("success_false", Unknown, "success_false"),
        ("drop", Unknown, "connection_dropped"),
    ],
)
async def test_each_failure_is_one_of_the_three_errors(
    gateway: GatewayClient, simulator: Simulated, kind: str, error: type[Exception], reason: str
) -> None:
    await simulator.fault(kind, route="media")

    with pytest.raises(error, match=reason):
        await gateway.get_media(CHANNEL, await arrived(simulator))


async def test_a_file_that_is_too_large_is_not_read_to_its_end(simulator: Simulated) -> None:
    message_id = await arrived(simulator, "A" * 200_000)

    async with GatewayClient(simulator.url, "gateway-secret", max_media_answer_bytes=100_000) as gateway:
        with pytest.raises(Unknown, match="answer_too_large"):
            await gateway.get_media(CHANNEL, message_id)


async def test_a_file_of_16_mb_is_read(gateway: GatewayClient, simulator: Simulated) -> None:
    encoded = b64encode(bytes(16_777_216)).decode()

    found = await gateway.get_media(CHANNEL, await arrived(simulator, encoded))

    assert found.media_base64 == encoded


@pytest.mark.parametrize("message_id", ["", " ", "..", "\ud800"])
async def test_an_id_that_would_name_something_else_is_refused(gateway: GatewayClient, message_id: str) -> None:
    with pytest.raises(Permanent, match="invalid_id"):
        await gateway.get_media(CHANNEL, message_id)
