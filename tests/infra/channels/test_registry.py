"""One channel has one owner and a tenant one channel, whatever way they are spelled; each change is on record."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from infra.channels import registry
from infra.errors import ConflictError, InvalidError, UnknownError
from schemas.audit import AuditAction
from tests.infra.channels.conftest import BY, World

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def register(world: World, tenant_id: int, channel_id: str) -> None:
    async with world.db.transaction() as session:
        await registry.register(world, session, BY, tenant_id, channel_id, None)


@pytest.mark.parametrize("spelled", ["Padaria Sol", "padariasol", "PADARIA  SOL"])
async def test_a_channel_of_another_tenant_cannot_be_had_in_any_spelling(world: World, spelled: str) -> None:
    first, second = await world.tenant("Um"), await world.tenant("Dois")
    await register(world, first.id, "Padaria Sol")
    for attempt in (registry.free_for(world, second.id, spelled), register(world, second.id, spelled)):
        with pytest.raises(ConflictError, match=rf"belongs to tenant {first.id} \(Um\), as 'Padaria Sol'"):
            await attempt
    assert [row.tenant_id for row in await registry.channels(world)] == [first.id]


async def test_folds_that_mysql_does_not_know_are_one_channel_too(world: World) -> None:
    first, second = await world.tenant("Um"), await world.tenant("Dois")
    await register(world, first.id, "Straße")
    with pytest.raises(ConflictError, match="as 'Straße'"):
        await register(world, second.id, "STRASSE")


async def test_a_tenant_has_one_channel(world: World) -> None:
    owner = await world.tenant("Um")
    await register(world, owner.id, "canal")
    with pytest.raises(ConflictError, match="has the channel 'canal' already"):
        await register(world, owner.id, "outro")


async def test_of_two_who_register_one_channel_at_the_same_time_one_learns_of_the_other(world: World) -> None:
    tenants = [await world.tenant(str(number)) for number in range(4)]
    outcomes = await asyncio.gather(
        *(register(world, owner.id, "disputado") for owner in tenants), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert len(await registry.channels(world)) == 1


@pytest.mark.parametrize("name", ["", " ", "..", " canal", "canal\n", "ca\x00nal", "a/b", "x" * 101])
async def test_what_can_be_no_name_of_a_channel_is_refused(world: World, name: str) -> None:
    owner = await world.tenant()
    with pytest.raises(InvalidError, match="channel_id") as caught:
        await register(world, owner.id, name)
    assert caught.value.field == "body.channel_id"


async def test_a_tenant_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(UnknownError, match="There is no tenant 4711"):
        await registry.free_for(world, 4711, "canal")
    with pytest.raises(UnknownError, match="There is no tenant 'Ninguém'"):
        await registry.tenant_named(world, "Ninguém")


async def test_a_name_that_two_tenants_have_names_none(world: World) -> None:
    first, second = await world.tenant("Padaria"), await world.tenant("padaria")
    with pytest.raises(ConflictError, match=rf"\({first.id}, {second.id}\)"):
        await registry.tenant_named(world, "PADARIA")
    assert (await registry.tenant_named(world, str(second.id))).id == second.id


async def test_a_move_is_on_record_once(world: World) -> None:
    first, second = await world.tenant("Um"), await world.tenant("Dois")
    await register(world, first.id, "Canal")
    row = await registry.move(world, BY, "CANAL", second.id, "the shop was sold")
    assert row.tenant_id == second.id
    change = world.audit()[-1]
    assert (change.action, change.subject, change.actor, change.reason, change.detail) == (
        AuditAction.CHANNEL_MOVED,
        "channel:canal",
        BY.name,
        "the shop was sold",
        {"from_tenant_id": first.id, "to_tenant_id": second.id},
    )
    assert await registry.move(world, BY, "canal", second.id, "again") == row
    assert len(world.audit()) == 4


async def test_a_channel_cannot_be_moved_to_a_tenant_that_has_one(world: World) -> None:
    first, second = await world.tenant("Um"), await world.tenant("Dois")
    await register(world, first.id, "um")
    await register(world, second.id, "dois")
    with pytest.raises(ConflictError, match=r"\(Dois\) has the channel 'dois' already"):
        await registry.move(world, BY, "um", second.id, "")


async def test_what_cannot_be_put_on_record_is_not_done(world: World) -> None:
    owner = await world.tenant("Um")
    await register(world, owner.id, "canal")
    world.kafka.error = KafkaConnectionError("away")
    with pytest.raises(KafkaConnectionError):
        await registry.change_channel(world, BY, "canal", {"is_enabled": False})
    assert (await registry.channel(world, "canal")).is_enabled


async def test_a_change_says_what_it_was_and_what_it_is(world: World) -> None:
    owner = await world.tenant("Um")
    await register(world, owner.id, "canal")
    pace = {"pace": {"every_seconds": 5}}
    row = await registry.change_channel(world, BY, "canal", {"display_name": " Balcão  1 ", "metadata": pace})
    assert (row.display_name, row.metadata) == ("Balcão 1", pace)
    assert world.audit()[-1].detail == {
        "from": {"display_name": None, "metadata": None},
        "to": {"display_name": "Balcão 1", "metadata": pace},
    }
    before = len(world.audit())
    assert await registry.change_channel(world, BY, "canal", {"display_name": "Balcão 1"}) == row
    assert len(world.audit()) == before


async def test_a_tenant_is_changed(world: World) -> None:
    owner = await world.tenant("Um")
    changed = await registry.change_tenant(world, BY, owner.id, {"time_zone": "America/Manaus", "is_enabled": False})
    assert (changed.time_zone, changed.is_enabled) == ("America/Manaus", False)
    with pytest.raises(InvalidError, match="no IANA name"):
        await registry.change_tenant(world, BY, owner.id, {"time_zone": "Marte/Olimpo"})


@pytest.mark.parametrize(
    ("name", "suggested"), [("Padaria São João", "padariasaojoao"), ("Loja 24h!", "loja24h"), ("北京", None)]
)
async def test_a_first_channel_is_called_as_its_tenant(world: World, name: str, suggested: str | None) -> None:
    owner = await world.tenant(name)
    assert registry.suggested_channel(owner) == (suggested or f"tenant{owner.id}")
