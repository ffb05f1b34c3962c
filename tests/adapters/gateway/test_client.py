"""The calls against the simulated gateway: what goes out, what comes back, what each fault is raised as."""

from typing import Any

import pytest

from adapters.gateway import GatewayClient, GatewayError, NotSent, Permanent, Timeouts, Unknown
from tests.support.gateway import Simulated
from tests.support.http import receiving

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANNEL = "Canal Um"
TO = "5547999990001"


async def test_channels_are_listed_with_their_states(gateway: GatewayClient) -> None:
    listed = await gateway.list_channels()
    assert {channel.id: channel.status for channel in listed.channels} == {
        "Canal Um": "connected",
        "Canal Dois": "qr_required",
        "Canal Três": "disconnected",
    }
    assert listed.total == 3


async def test_a_channel_is_asked_for_in_its_exact_spelling(gateway: GatewayClient) -> None:
    channel = await gateway.get_channel("Canal Um")
    assert (channel.id, channel.is_connected) == ("Canal Um", True)
    with pytest.raises(NotSent, match="channel_not_found"):
        await gateway.get_channel("canal um")


@pytest.mark.parametrize("channel_id", ["100% Ação?#1&x=y", "a+b c", "%2F", "..canal", "canal..", "Ünïcode ✓"])
async def test_a_channel_id_of_any_spelling_arrives_as_it_is(gateway: GatewayClient, channel_id: str) -> None:
    assert (await gateway.create_channel(channel_id)).qr_required
    assert (await gateway.get_channel(channel_id)).id == channel_id


@pytest.mark.parametrize("channel_id", ["", " ", ".", "..", "\ud800"])
async def test_a_channel_id_that_would_name_something_else_is_refused(
    gateway: GatewayClient, simulator: Simulated, channel_id: str
) -> None:
    with pytest.raises(Permanent, match="invalid_id"):
        await gateway.get_qr(channel_id)
    assert (await simulator.requests())["total"] == 0


async def test_an_existing_channel_that_is_connected_needs_no_code(gateway: GatewayClient) -> None:
    assert not (await gateway.create_channel(CHANNEL)).qr_required


@pytest.mark.parametrize("as_url", [True, False])
@pytest.mark.parametrize("shape", ["qr", "qr_base64", "qrcode", "base64Qrimg", "base64", "image", "data", "result"])
async def test_a_qr_code_is_read_in_every_shape(
    gateway: GatewayClient, simulator: Simulated, shape: str, as_url: bool
) -> None:
    await simulator.configure(qr_shape=shape, qr_as_data_url=as_url)
    code = await gateway.get_qr("Canal Dois")
    assert (code.is_ready, code.mime_type) == (True, "image/png")


async def test_a_qr_code_may_not_be_ready_or_not_be_needed(gateway: GatewayClient) -> None:
    assert not (await gateway.get_qr("Canal Três")).is_ready
    assert (await gateway.get_qr("Canal Um")).is_connected


async def test_a_broken_qr_code_is_raised(gateway: GatewayClient, simulator: Simulated) -> None:
    await simulator.fault("invalid_qr")
    with pytest.raises(Unknown, match="Invalid QR code response"):
        await gateway.get_qr("Canal Dois")


async def test_a_text_is_delivered_once_with_all_it_carries(gateway: GatewayClient, simulator: Simulated) -> None:
    receipt = await gateway.send_text(CHANNEL, TO, "Olá! R$ 1.234,56 ✓", {"command_id": "c-1"}, request_id="r-1")
    [message] = await simulator.delivered()
    assert {key: message[key] for key in ("channel", "to", "text", "metadata", "request_id")} == {
        "channel": CHANNEL,
        "to": TO,
        "text": "Olá! R$ 1.234,56 ✓",
        "metadata": {"command_id": "c-1"},
        "request_id": "r-1",
    }
    assert (receipt.provider_message_id, receipt.correlation_id) == (message["id"], message["correlation_id"])


async def test_a_receipt_without_a_message_id_is_a_success(gateway: GatewayClient, simulator: Simulated) -> None:
    await simulator.configure(return_message_id=False)
    receipt = await gateway.send_text(CHANNEL, TO, "oi")
    assert receipt.provider_message_id is None
    assert receipt.correlation_id


@pytest.mark.parametrize("field", ["messageId", "message_id", "id"])
async def test_a_message_id_is_read_under_each_name(gateway: GatewayClient, simulator: Simulated, field: str) -> None:
    await simulator.configure(message_id_field=field)
    receipt = await gateway.send_text(CHANNEL, TO, "oi")
    assert receipt.provider_message_id == (await simulator.delivered())[0]["id"]


async def test_webhooks_are_set_for_one_channel_and_for_all(gateway: GatewayClient, simulator: Simulated) -> None:
    async with receiving() as own, receiving() as shared:
        await gateway.set_channel_webhook(CHANNEL, own.url, "own-secret")
        await gateway.set_global_webhook(shared.url)
        await simulator.control("POST", "inbound", {"channel": CHANNEL, "from": TO})
        await simulator.control("POST", "inbound", {"channel": "Canal Dois", "from": TO})
        assert own.secrets == ["own-secret"]
        assert shared.secrets == [None]


async def test_every_call_carries_the_secret_and_a_request_id(simulator: Simulated) -> None:
    calls = {
        "list_channels": (),
        "create_channel": (CHANNEL,),
        "get_channel": (CHANNEL,),
        "get_qr": (CHANNEL,),
        "send_text": (CHANNEL, TO, "oi"),
        "set_channel_webhook": (CHANNEL, "http://127.0.0.1:1/"),
        "set_global_webhook": ("http://127.0.0.1:1/",),
    }
    async with GatewayClient(simulator.url, "wrong") as wrong:
        for name, arguments in calls.items():
            with pytest.raises(NotSent) as caught:
                await getattr(wrong, name)(*arguments)
            assert (caught.value.reason, caught.value.status) == ("gateway_refused_secret", 401)
            request = (await simulator.requests())["last"][-1]
            assert request["request_id"] == caught.value.request_id != ""


async def test_request_ids_are_made_anew_and_made_fit_for_a_header(
    gateway: GatewayClient, simulator: Simulated
) -> None:
    made = set()
    for _ in range(2):
        await gateway.list_channels()
        made.add((await simulator.requests())["last"][-1]["request_id"])
    assert len(made) == 2
    await gateway.list_channels(request_id="é\r\nX-Injected: 1\ud800" + "x" * 500)
    request_id = (await simulator.requests())["last"][-1]["request_id"]
    assert request_id.startswith("%C3%A9%0D%0AX-Injected:%201")
    assert len(request_id) == 200


@pytest.mark.parametrize(
    ("kind", "error_class", "reason"),
    [
        ("http_401", NotSent, "gateway_refused_secret"),
        ("http_401_basic", NotSent, "proxy_refused_login"),
        ("http_403", NotSent, "gateway_refused_secret"),
        ("http_404", NotSent, "channel_not_found"),
        ("http_429", NotSent, "http_429"),
        ("http_400", Permanent, "http_400"),
        ("http_422", Permanent, "http_422"),
        ("http_302", Unknown, "redirect"),
        ("http_500", Unknown, "http_500"),
        ("http_502", Unknown, "html_502"),
        ("http_503", Unknown, "html_503"),
        ("http_504", Unknown, "html_504"),
        ("empty_body", Unknown, "empty_body"),
        ("not_json", Unknown, "not_json"),
        ("success_false", Unknown, "success_false"),
        ("number_not_found", Unknown, "number_not_found"),
        ("drop", Unknown, "connection_dropped"),
    ],
)
@pytest.mark.parametrize("delivered", [False, True])
async def test_a_fault_is_raised_as_what_it_means_and_the_next_send_works(
    gateway: GatewayClient,
    simulator: Simulated,
    kind: str,
    error_class: type[GatewayError],
    reason: str,
    delivered: bool,
) -> None:
    await simulator.fault(kind, delivered=delivered)
    with pytest.raises(error_class) as caught:
        await gateway.send_text(CHANNEL, TO, "oi", request_id="r-1")
    assert (caught.value.reason, caught.value.request_id) == (reason, "r-1")
    assert len(await simulator.delivered()) == int(delivered)
    await gateway.send_text(CHANNEL, TO, "de novo")
    assert (await simulator.delivered())[-1]["text"] == "de novo"


@pytest.mark.parametrize("retry_after", [7, "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_a_429_says_when_to_come_back(gateway: GatewayClient, simulator: Simulated, retry_after: Any) -> None:
    await simulator.fault("http_429", retry_after=retry_after)
    with pytest.raises(NotSent) as caught:
        await gateway.send_text(CHANNEL, TO, "oi")
    assert caught.value.retry_after == (7.0 if retry_after == 7 else 86_400.0)


async def test_a_channel_that_is_down_has_sent_nothing(gateway: GatewayClient, simulator: Simulated) -> None:
    with pytest.raises(NotSent, match="channel_down"):
        await gateway.send_text("Canal Três", TO, "oi")
    assert await simulator.delivered() == []


async def test_a_hang_ends_with_the_read_timeout_and_may_have_delivered(simulator: Simulated) -> None:
    await simulator.fault("hang", delay_seconds=3600)
    async with GatewayClient(simulator.url, "gateway-secret", timeouts=Timeouts(other=0.1)) as gateway:
        with pytest.raises(Unknown, match="read_timeout"):
            await gateway.send_text(CHANNEL, TO, "oi")
    assert len(await simulator.delivered()) == 1


LID = "100000000000001@lid"


async def test_a_lid_is_looked_up_with_its_domain(gateway: GatewayClient, simulator: Simulated) -> None:
    assert (await gateway.look_up_lid(CHANNEL, LID)).phone is None
    await simulator.control("POST", "lids", {"lid": LID, "phone": TO})
    found = await gateway.look_up_lid(CHANNEL, LID, request_id="r-7")
    assert (found.lid, found.phone) == (LID, f"{TO}@c.us")
    requests = await simulator.requests()
    assert requests["last"][-1]["request_id"] == "r-7"


@pytest.mark.parametrize(
    ("channel", "lid", "kind", "error_class", "reason"),
    [
        ("Canal Três", LID, None, NotSent, "channel_down"),
        ("canal um", LID, None, NotSent, "channel_not_found"),
        (CHANNEL, LID, "http_500", Unknown, "http_500"),
        (CHANNEL, LID, "http_429", NotSent, "http_429"),
        (CHANNEL, LID, "empty_body", Unknown, "empty_body"),
        (CHANNEL, LID, "success_false", Unknown, "success_false"),
        (CHANNEL, LID, "drop", Unknown, "connection_dropped"),
        (CHANNEL, "..", None, Permanent, "invalid_id"),
    ],
)
async def test_a_look_up_that_fails_says_why(
    gateway: GatewayClient,
    simulator: Simulated,
    channel: str,
    lid: str,
    kind: str | None,
    error_class: type[GatewayError],
    reason: str,
) -> None:
    if kind:
        await simulator.fault(kind, route="pn_lid")
    with pytest.raises(error_class, match=reason):
        await gateway.look_up_lid(channel, lid)


async def test_nothing_is_ever_repeated(gateway: GatewayClient, simulator: Simulated) -> None:
    await simulator.fault("drop", count=None)
    with pytest.raises(Unknown):
        await gateway.send_text(CHANNEL, TO, "oi")
    assert (await simulator.requests())["by_route"]["messages"] == {"dropped": 1}


@pytest.mark.parametrize(
    ("text", "metadata"),
    [("\ud800", None), ("oi", {"nan": object()}), ("oi", {"text": "\udfff"})],
    ids=["lone-surrogate", "no-json", "surrogate-in-metadata"],
)
async def test_what_has_no_json_form_never_leaves(
    gateway: GatewayClient, simulator: Simulated, text: str, metadata: dict[str, Any] | None
) -> None:
    with pytest.raises(Permanent, match="invalid_body"):
        await gateway.send_text(CHANNEL, TO, text, metadata)
    assert (await simulator.requests())["total"] == 0


async def test_a_closed_client_sends_nothing(simulator: Simulated) -> None:
    gateway = GatewayClient(simulator.url, "gateway-secret")
    await gateway.aclose()
    with pytest.raises(NotSent, match="client_closed"):
        await gateway.send_text(CHANNEL, TO, "oi")
