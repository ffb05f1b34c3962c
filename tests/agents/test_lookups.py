"""Look-ups of lids: who is asked for and how often, and what the gateway's answers come to."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from adapters.gateway import GatewayClient
from agents import lookups as agent
from agents.lookups import LidErrander, build
from infra.simulator.config import SimulatorConfig
from schemas import headers
from schemas.configuration import Channel
from schemas.contacts import ContactLink, LinkChange, LinkEvidence, LookUp
from schemas.gateway import LidEntry
from streams import keys, topics
from streams.errands.errand import Done, Errand, NotYet
from streams.errands.runner import Runner, Surroundings
from streams.lookups import LOOKUP
from streams.runtime import Batch
from streams.sending.slots import Slots
from tests.agents.consumed import Consumed
from tests.streams.errands.world import Publisher, Table
from tests.streams.sending.world import CHANNEL, START, Clock, settle
from tests.support.gateway import Simulated, simulated
from tests.support.waiting import eventually

SECRET = "gateway-secret"
LID, PHONE = "100000000000001@lid", "5547999990001"
PARTITION = 3


def wanted(number: int = 1, lid: str = LID, after: float = 0, **fields: Any) -> LookUp:
    """The look-up that message `number` asks for, so many seconds after the start."""
    event_id = keys.event_id(f"message-{number}")
    return LookUp(
        **{
            "command_id": keys.command_id(event_id, LOOKUP),
            "event_id": event_id,
            "trace_id": f"trace-{number}",
            "tenant_id": 1,
            "channel": "canalum",
            "lid": lid,
            "at": START + timedelta(seconds=after),
            **fields,
        }
    )


class World:
    """The agent, and the owner of its partition's errands, over a table, a clock and a gateway of the test's."""

    def __init__(self, gateway: Any) -> None:
        self.clock, self.memory, self.table, self.publisher = Clock(), Table(), Table(), Publisher()
        self.channel: Channel | None = CHANNEL
        self.errander = LidErrander(gateway, self.memory, lambda _: self.channel, self.clock.now)
        self.runner: Runner | None = None
        self.running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """A worker takes the partition over, with the tables as they are."""
        around = Surroundings(
            kind="lookups",
            errander=self.errander,
            table=self.table,
            publisher=self.publisher,
            clock=self.clock,
            slots=Slots(4),
            per_channel=2,
            schedule=agent.SCHEDULE,
        )
        self.runner = Runner(PARTITION, around)
        await self.runner.recover()
        self.running = asyncio.create_task(self.runner.run())

    async def stop(self) -> None:
        """It is gone."""
        assert self.running is not None
        self.running.cancel()
        await asyncio.wait({self.running})

    async def take(self, incoming: Mapping[int, Sequence[Errand]]) -> None:
        assert self.runner is not None
        for errands in incoming.values():
            await self.runner.take(errands)

    async def ask(self, *commands: LookUp | bytes) -> list[dict[str, bytes]]:
        """Give the agent its records; the headers of what it rejected."""
        records = [
            Consumed(
                command if isinstance(command, bytes) else msgspec.json.encode(command),
                topics.COMMAND_LOOKUP,
                partition=PARTITION,
            )
            for command in commands
        ]
        batch = Batch("lookups", records, {topics.DEAD_LETTER: 1}, None)
        await build(self, self.memory)(batch)
        await settle()
        return [dict(out.headers) for out in batch.outputs[topics.DEAD_LETTER, 0]]

    @property
    def links(self) -> list[ContactLink]:
        return [msgspec.json.decode(value or b"", type=ContactLink) for _, value in self.publisher.published]


class Gateway:
    """Tells what the test says, and remembers who asked."""

    def __init__(self, *answers: LidEntry) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    async def look_up_lid(self, channel_id: str, lid: str, *, request_id: str) -> LidEntry:
        self.asked.append((channel_id, lid))
        return self.answers.pop(0) if self.answers else LidEntry()


def told(phone: str | None = f"{PHONE}@c.us", lid: str | None = LID) -> LidEntry:
    return LidEntry(lid=lid, phone=phone)


async def started(*answers: LidEntry) -> tuple[World, Gateway]:
    gateway = Gateway(*answers)
    world = World(gateway)
    await world.start()
    return world, gateway


async def test_an_answer_is_a_link_by_the_gateways_word() -> None:
    world, gateway = await started(told())
    await world.ask(wanted())
    [link] = world.links
    assert (link.lid, link.phone, link.evidence, link.what) == (LID, f"{PHONE}@c.us", LinkEvidence.GATEWAY, "linked")
    assert (link.tenant_id, link.trace_id, link.event_id, link.at) == (1, "trace-1", wanted().event_id, START)
    assert gateway.asked == [("Canal Um", LID)]
    assert world.publisher.published[0][0] == LID.encode()
    await world.stop()


async def test_ten_thousand_messages_of_a_contact_cost_one_call_restarts_included() -> None:
    world, gateway = await started(told())
    await world.ask(*(wanted(number) for number in range(5_000)))
    await world.stop()
    await world.start()
    for start in range(5_000, 10_000, 1_000):
        await world.ask(*(wanted(number, after=number * 100) for number in range(start, start + 1_000)))
    assert len(gateway.asked) == 1
    assert len(world.links) == 1
    await world.stop()


async def test_each_channel_and_each_lid_is_asked_for_itself() -> None:
    world, gateway = await started()
    await world.ask(wanted(1), wanted(2, lid="100000000000002@lid"), wanted(3, channel="canaldois"))
    assert len(gateway.asked) == 3
    await world.stop()


async def test_a_lid_without_an_answer_is_asked_for_again_on_another_day_and_then_once_a_month() -> None:
    world, gateway = await started()
    day = 86_400
    for number in range(24 * 80):  # one message an hour, for 80 days
        await world.ask(wanted(number, after=world.clock.now().timestamp() - START.timestamp()))
        await world.clock.advance(3_600)
    assert len(gateway.asked) == 7 + 2  # days 0 to 6, then days 36 and 66
    assert world.links == []
    world.clock.time = START + timedelta(seconds=120 * day)
    gateway.answers = [told()]
    await world.ask(wanted(9_999, after=120 * day))
    assert [link.phone for link in world.links] == [f"{PHONE}@c.us"]
    await world.stop()


@pytest.mark.parametrize(
    "entry",
    [
        told(None),
        told(lid="100000000000002@lid"),
        told("100000000000001@c.us"),
        told("120363000000000001@g.us"),
        told("someone"),
        told(lid="garbage of another kind"),
    ],
)
async def test_what_does_not_tell_this_lids_phone_links_nothing(entry: LidEntry) -> None:
    world, gateway = await started(entry)
    await world.ask(wanted())
    await world.ask(wanted(2))
    assert (world.links, len(gateway.asked)) == ([], 1)
    await world.stop()


@pytest.mark.parametrize("change", [{"tenant": None}, {"is_enabled": False}, None])
async def test_a_channel_that_is_not_what_it_was_is_not_asked(change: dict[str, Any] | None) -> None:
    world, gateway = await started(told())
    if change is None:
        world.channel = None
    else:
        changes = {"tenant": msgspec.structs.replace(CHANNEL.tenant, id=2)} if "tenant" in change else change
        world.channel = msgspec.structs.replace(CHANNEL, **changes)
    await world.ask(wanted())
    assert (gateway.asked, world.links, world.table.data[PARTITION]) == ([], [], {})
    await world.stop()


async def test_switched_off_it_asks_nobody_and_lets_go_of_what_is_asked_for() -> None:
    record = Consumed(msgspec.json.encode(wanted()), topics.COMMAND_LOOKUP, partition=PARTITION)
    batch = Batch("lookups", [record], {topics.DEAD_LETTER: 1}, None)
    await agent.let_go(batch)
    assert (batch.outputs, batch.changes, batch.dead) == ({}, {}, 0)


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b"[" * 5_000, b'{"lid":1}'])
async def test_what_cannot_be_read_is_a_dead_letter_and_its_neighbours_go_on(value: bytes) -> None:
    world, _ = await started(told())
    rejected = await world.ask(value, msgspec.json.encode(wanted()))
    assert [said[headers.STAGE] for said in rejected] == [b"lookups"]
    assert len(world.links) == 1
    await world.stop()


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulated]:
    async with simulated(SimulatorConfig(secret=SECRET, emit_echo=False, acks=())) as running:
        await running.control("POST", "lids", {"lid": LID, "phone": PHONE})
        yield running


async def attempted(simulator: Simulated, channel: Channel = CHANNEL) -> tuple[Any, Table]:
    """One try against the simulator."""
    memory = Table()
    async with GatewayClient(simulator.url, SECRET) as client:
        errander = LidErrander(client, memory, lambda _: channel, lambda: START)
        body = msgspec.msgpack.encode(agent.Wanted(PARTITION, wanted()))
        return await errander.attempt(Errand(b"one", "canalum", body, START)), memory


async def test_the_simulated_gateway_tells_the_phone(simulator: Simulated) -> None:
    answer, memory = await attempted(simulator)
    assert isinstance(answer, Done)
    [emission] = answer.emissions
    link = msgspec.json.decode(emission.value, type=ContactLink)
    assert (link.phone, link.what) == (f"{PHONE}@c.us", LinkChange.LINKED)
    assert list(memory.data[PARTITION].values()) == [b"+"]
    [call] = (await simulator.requests())["last"]
    assert (call["route"], call["request_id"]) == ("pn_lid", f"{wanted().command_id}:1")


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("http_500", NotYet("http_500")),
        ("http_429", NotYet("http_429", 17.0)),
        ("empty_body", NotYet("empty_body")),
        ("drop", NotYet("connection_dropped")),
        ("http_400", Done(reason="http_400")),
    ],
)
async def test_a_gateway_that_fails_is_asked_again_unless_it_refuses(
    simulator: Simulated, kind: str, answer: Any
) -> None:
    await simulator.fault(kind, route="pn_lid", retry_after="17")
    said, memory = await attempted(simulator)
    assert said == answer
    assert len(memory.data[PARTITION]) == 1


async def test_a_channel_that_is_down_is_asked_again(simulator: Simulated) -> None:
    down = msgspec.structs.replace(CHANNEL, channel_id="Canal Três")
    assert (await attempted(simulator, down))[0] == NotYet("channel_down")


async def test_a_gateway_that_stays_away_is_given_up_and_left_alone_for_a_day() -> None:
    async with GatewayClient("http://127.0.0.1:9", SECRET) as client:
        world = World(client)
        await world.start()
        await world.ask(wanted())
        for wait in agent.SCHEDULE.waits:
            await eventually(lambda: world.table.data[PARTITION])
            await _tried(world)
            await world.clock.advance(wait)
        await eventually(lambda: not world.table.data[PARTITION])
        await world.ask(wanted(2, after=5_000))
        assert world.table.data[PARTITION] == {}
        await world.stop()
    assert world.links == []


async def _tried(world: World) -> None:
    """Wait until the try under way is over and the next one is due at a later time."""

    def is_put_off() -> bool:
        [value] = world.table.data[PARTITION].values()
        return msgspec.msgpack.decode(value, type=Errand).due > world.clock.now()

    await eventually(is_put_off)
