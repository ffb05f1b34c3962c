"""Each step of a channel's set-up may be repeated, and goes on where it stood after any failure."""

from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from infra.channels import registry
from infra.channels.calls import ONCE, GatewayTroubleError
from infra.channels.following import follow
from infra.channels.setup import Setup, Standing
from infra.errors import AwayError, ConflictError
from schemas.audit import AuditAction
from streams.channel_setup import Step
from tests.infra.channels.conftest import BY, World

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

FAILURES = ["http_502", "drop", "http_429"]
ASK_SECONDS = 0.02


async def connect(world: World, name: str | None = None, *waits: float, seconds: float = 20) -> Standing:
    """Take a new tenant's channel all the way, with a phone that scans each code at once."""
    owner = await world.tenant()
    row = await world.begun(owner.id, name, *waits)
    return await followed(world, row.channel_id, *waits, seconds=seconds)


async def followed(world: World, channel_id: str, *waits: float, seconds: float = 20) -> Standing:
    """Follow a channel that is begun."""
    phone = Phone(world, *waits)
    shown = phone.codes.append
    standing = await follow(
        world, phone, channel_id, tell=lambda _: None, show_qr=shown, seconds=seconds, ask_seconds=ASK_SECONDS
    )
    assert len(phone.codes) <= 1
    return standing


class Phone(Setup):
    """The set-up with somebody who scans the code that was shown last, before anything else is looked at."""

    def __init__(self, world: World, *waits: float) -> None:
        super().__init__(world, BY, waits or ONCE)
        self._http = world.simulator.http
        self.codes: list[str] = []

    async def standing(self, named: str) -> Standing:
        if self.codes:
            await self._http.post("/_sim/scan", json={"code": self.codes[-1]})
        return await super().standing(named)


async def test_from_nothing_to_a_channel_whose_webhook_is_set(world: World) -> None:
    standing = await connect(world)
    row = standing.row
    assert (row.channel_id, row.webhook_configured, standing.next_step) == ("padariasol", True, Step.TEST)
    assert (await world.states())["padariasol"] == "connected"
    assert [(change.action, change.actor) for change in world.audit()] == [
        (AuditAction.TENANT_ADDED, BY.name),
        (AuditAction.CHANNEL_STARTED, BY.name),
        (AuditAction.CHANNEL_REGISTERED, BY.name),
        (AuditAction.WEBHOOK_SET, BY.name),
    ]
    told = str(world.kafka.records)
    assert "hub.example/api/whatsapp/webhook" in told
    for hidden in ("new-webhook-secret", "old-webhook-secret", "login@", "key=hidden", "gateway-secret"):
        assert hidden not in told


async def test_whoever_begins_again_gets_the_same_row_and_nothing_is_made_twice(world: World) -> None:
    owner = await world.tenant()
    first = await world.begun(owner.id, "Sol 1")
    again = await world.begun(owner.id, None)
    assert again == await world.begun(owner.id, "SOL1") == first
    requests = (await world.simulator.requests())["by_route"]
    assert requests["create_channel"] == {"200": 1}


async def test_the_gateways_spelling_is_kept_where_it_has_the_channel_already(world: World) -> None:
    row = await world.begun((await world.tenant()).id, "CANALDOIS")
    assert row.channel_id == "Canal Dois"
    assert "create_channel" not in (await world.simulator.requests())["by_route"]


async def test_of_several_that_are_one_channel_here_none_is_guessed(world: World) -> None:
    await world.simulator.control("POST", "channels", {"id": "canaldois", "status": "connected"})
    with pytest.raises(ConflictError, match="'Canal Dois', 'canaldois', which are one channel"):
        await world.begun((await world.tenant()).id, "CANAL DOIS")
    assert await registry.channels(world) == []


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("route", ["get_channel", "list_channels", "create_channel", "qr", "channel_webhook"])
async def test_a_gateway_that_fails_once_at_any_step_holds_nobody_up(world: World, route: str, kind: str) -> None:
    await world.simulator.fault(kind, route=route, count=1)
    standing = await connect(world, None, 0.01)
    assert (standing.row.webhook_configured, standing.next_step) == (True, Step.TEST)
    assert (await world.simulator.control("GET", "faults"))["faults"] == []


@pytest.mark.parametrize("route", ["get_channel", "list_channels", "create_channel", "qr", "channel_webhook"])
async def test_without_patience_the_same_command_goes_on_where_the_gateway_failed(world: World, route: str) -> None:
    await world.simulator.fault("http_504", route=route, count=1)
    owner = await world.tenant()

    async def all_of_it() -> Standing:
        return await followed(world, (await world.begun(owner.id)).channel_id)

    with pytest.raises(GatewayTroubleError, match=r"did not .*html_504.*Do the same again"):
        await all_of_it()
    rows = await registry.channels(world)
    assert [row.webhook_configured for row in rows] in ([], [False])
    assert (await all_of_it()).next_step is Step.TEST


@pytest.mark.parametrize("kind", ["invalid_qr", "qr_not_ready"])
async def test_a_code_that_is_not_ready_is_asked_for_again(world: World, kind: str) -> None:
    await world.simulator.fault(kind, count=2)
    assert (await connect(world)).next_step is Step.TEST


async def test_a_code_that_is_over_is_shown_anew(world: World) -> None:
    await world.simulator.configure(qr_seconds=0.001)
    owner = await world.tenant()
    row = await world.begun(owner.id)
    codes: list[str] = []
    with pytest.raises(AwayError, match="it goes on where it stands"):
        await follow(
            world,
            world.setup(),
            row.channel_id,
            tell=lambda _: None,
            show_qr=codes.append,
            seconds=0.5,
            ask_seconds=ASK_SECONDS,
        )
    assert len(codes) == len(set(codes)) > 1


async def test_a_channel_that_needs_no_code_any_more_says_so(world: World) -> None:
    code = await world.setup().qr("Canal Um")
    assert (code.text, code.is_connected) == (None, True)


async def test_a_disconnected_channel_is_started_again(world: World) -> None:
    row = await world.begun((await world.tenant()).id, "Canal Três")
    assert (await world.setup().standing(row.id)).next_step is Step.START
    assert (await followed(world, row.channel_id)).gateway_state == "connected"


async def test_a_channel_that_the_gateway_lost_is_made_again(world: World) -> None:
    standing = await connect(world)
    await world.simulator.control("POST", "reset")
    assert (await world.setup().standing(standing.row.id)).next_step is Step.CREATE
    assert (await followed(world, standing.row.channel_id)).row.webhook_configured
    assert (await world.simulator.requests())["by_route"]["channel_webhook"] == {"200": 1}


async def test_nobody_enables_what_a_person_disabled(world: World) -> None:
    row = await world.begun((await world.tenant()).id)
    await registry.change_channel(world, BY, row.id, {"is_enabled": False})
    with pytest.raises(ConflictError, match="posto channels enable padariasol"):
        await followed(world, row.channel_id)
    assert (await world.states())["padariasol"] == "qr_required"


async def test_the_webhook_counts_as_set_only_while_the_last_attempt_went_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = await connect(world)
    await world.simulator.fault("http_502", route="channel_webhook")
    with pytest.raises(GatewayTroubleError):
        await world.setup().set_webhook(standing.row)
    assert not (await registry.channel(world, standing.row.id)).webhook_configured

    async def lost(*_: Any) -> str:
        raise AwayError("it does not arrive")

    monkeypatch.setattr("infra.channels.setup.probe", lost)
    before = (await world.simulator.requests())["total"]
    with pytest.raises(AwayError, match="it does not arrive"):
        await world.setup().set_webhook(standing.row)
    assert (await world.simulator.requests())["total"] == before


async def test_what_cannot_be_put_on_record_is_not_asked_of_the_gateway(world: World) -> None:
    row = (await connect(world)).row
    world.kafka.error = KafkaConnectionError("away")
    before = (await world.simulator.requests())["total"]
    setup = world.setup()
    for step in (setup.start(row.channel_id), setup.set_webhook(row), setup.set_global_webhook()):
        with pytest.raises(KafkaConnectionError):
            await step
    assert (await world.simulator.requests())["total"] == before
    assert (await registry.channel(world, row.id)).webhook_configured


async def test_a_wrong_secret_of_the_gateway_is_named(world: World) -> None:
    await world.simulator.fault("http_401", route="get_channel", count=None)
    with pytest.raises(GatewayTroubleError, match="Set WPP_GATEWAY_SECRET to the gateway's secret") as caught:
        await world.begun((await world.tenant()).id, None, 0.01, 0.01)
    assert "gateway-secret" not in str(caught.value)
    assert (await world.simulator.requests())["by_route"]["get_channel"] == {"401": 1}


async def test_a_gateway_that_names_a_time_is_given_it(world: World) -> None:
    await world.simulator.fault("http_429", route="get_channel", retry_after=17)
    with pytest.raises(GatewayTroubleError) as caught:
        await world.begun((await world.tenant()).id)
    assert caught.value.retry_after == 17


async def test_the_lists_are_compared(world: World) -> None:
    await connect(world)
    found = {(each.kind, each.channel) for each in await world.setup().differences()}
    assert found == {("unknown_here", "canalum"), ("unknown_here", "canaldois"), ("unknown_here", "canaltrês")}
