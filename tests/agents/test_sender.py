"""The sender on batches, and what it makes of the gateway's answers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from adapters.gateway import GatewayClient
from agents.sender import LARGEST_COMMAND, GatewayCarrier, GatewayLook, build
from infra.simulator.config import SimulatorConfig
from schemas.commands import Command
from schemas.deliveries import EvidenceKind
from schemas.events import Coordinates
from streams import topics
from streams.runtime import Batch
from streams.sending.desk import Found, Incoming
from streams.sending.inputs import NotSent, Refused, Replay, Sent, Take, Unclear
from streams.sending.trouble import Sign
from tests.streams.sending.world import ack, command
from tests.support.gateway import Simulated, simulated

SECRET = "gateway-secret"
COMMAND = command()
COMMAND_BYTES = msgspec.json.encode(COMMAND)
EVIDENCE = ack("3EB0AA17").evidence


@dataclass
class Consumed:
    """A record as aiokafka gives it."""

    value: bytes | None
    topic: str = topics.COMMAND_OUTBOUND
    partition: int = 0
    offset: int = 7
    key: bytes | None = b"canalum"
    timestamp: int = 0
    headers: list[tuple[str, bytes]] = field(default_factory=list)


class Outboxes:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.taken: dict[int, list[Incoming]] = {}

    async def take(self, incoming: Mapping[int, Sequence[Incoming]]) -> None:
        self.taken = {partition: list(inputs) for partition, inputs in incoming.items()}


async def send(*records: Consumed) -> tuple[dict[int, list[Incoming]], list[dict[str, bytes]]]:
    """Run the agent: what each partition's owner got, and the headers of what was rejected."""
    outboxes = Outboxes()
    batch = Batch("sender", records, {topics.DEAD_LETTER: 1}, None)
    await build(outboxes)(batch)  # type: ignore[arg-type]
    return outboxes.taken, [dict(out.headers) for out in batch.outputs[topics.DEAD_LETTER, 0]]


async def test_commands_and_evidence_go_to_the_owner_of_their_partition_in_order() -> None:
    evidence = Consumed(msgspec.json.encode(EVIDENCE), topics.DELIVERY_EVIDENCE)
    other = command("other")
    taken, rejected = await send(Consumed(COMMAND_BYTES), evidence, Consumed(msgspec.json.encode(other), partition=1))
    where = Coordinates(topics.DELIVERY_EVIDENCE, 0, 7)
    assert taken == {0: [Take(COMMAND), Found(EVIDENCE, where)], 1: [Take(other)]}
    assert rejected == []


async def test_a_record_that_says_it_is_a_replay_is_handed_on_as_one() -> None:
    taken, _ = await send(Consumed(COMMAND_BYTES, headers=[("replay", b"")]))
    assert taken == {0: [Replay(COMMAND)]}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\xfe",
        b"{}",
        b"[" * 5000,
        COMMAND_BYTES.replace(COMMAND.command_id.encode(), b"not-a-uuid"),
        COMMAND_BYTES.replace(b'"tenant_id":1', b'"tenant_id":"one"'),
        msgspec.json.encode(command(text="x" * LARGEST_COMMAND)),
    ],
)
@pytest.mark.parametrize("topic", [topics.COMMAND_OUTBOUND, topics.DELIVERY_EVIDENCE])
async def test_what_cannot_be_read_is_a_dead_letter_and_its_neighbours_go_on(topic: str, value: bytes | None) -> None:
    taken, rejected = await send(Consumed(value, topic), Consumed(COMMAND_BYTES, offset=8))
    assert taken == {0: [Take(COMMAND)]}
    assert [headers["stage"] for headers in rejected] == [b"sender"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": EvidenceKind.DECISION, "detail": {"decision": "maybe", "by": "ana"}},
        {"kind": EvidenceKind.DECISION, "detail": {"decision": "resend"}},
        {"kind": EvidenceKind.DECISION, "detail": {"decision": "resend", "by": "ana"}, "attempt": None},
        {"kind": EvidenceKind.LATE_ANSWER, "detail": {"answer": "perhaps"}},
    ],
)
async def test_a_decision_or_a_late_answer_that_says_nothing_is_a_dead_letter(changes: dict[str, Any]) -> None:
    about = {"command_id": COMMAND.command_id, "attempt": 1} | changes
    value = msgspec.json.encode(msgspec.structs.replace(EVIDENCE, **about))
    taken, rejected = await send(Consumed(value, topics.DELIVERY_EVIDENCE))
    assert (taken.get(0, []), len(rejected)) == ([], 1)


async def test_evidence_about_no_possible_command_is_a_dead_letter() -> None:
    evidence = msgspec.structs.replace(EVIDENCE, command_id="not-a-uuid")
    taken, rejected = await send(Consumed(msgspec.json.encode(evidence), topics.DELIVERY_EVIDENCE))
    assert taken.get(0, []) == []
    assert len(rejected) == 1


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Simulated]:
    async with simulated(SimulatorConfig(secret=SECRET, emit_echo=False, acks=())) as simulator:
        yield simulator


def fresh() -> Command:
    return command(uuid4().hex)


async def carried(gateway: Simulated, asked: Command, *, channel: str = "Canal Um", secret: str = SECRET) -> Any:
    async with GatewayClient(gateway.url, secret) as client:
        return await GatewayCarrier(client)(channel, asked, 2)


async def test_a_message_is_handed_over_with_its_ids(gateway: Simulated) -> None:
    asked = fresh()
    answer = await carried(gateway, asked)
    (message,) = await gateway.delivered()
    assert isinstance(answer, Sent)
    assert answer.attempt == 2
    assert answer.provider_message_id == message["id"]
    assert (message["to"], message["text"]) == (asked.to, asked.text)
    assert message["metadata"] == {
        "command_id": asked.command_id,
        "event_id": asked.event_id,
        "trace_id": asked.trace_id,
    }
    assert message["request_id"] == f"{asked.command_id}:2"


async def test_a_wrong_secret_means_not_sent(gateway: Simulated) -> None:
    answer = await carried(gateway, fresh(), secret="wrong")
    assert isinstance(answer, NotSent)
    assert (answer.attempt, answer.http_status, answer.reason) == (2, 401, "gateway_refused_secret")
    assert await gateway.delivered() == []


@pytest.mark.parametrize(
    ("fault", "status", "meaning"),
    [("http_429", 429, NotSent), ("http_422", 422, Refused), ("http_504", 504, Unclear)],
)
async def test_each_error_says_what_is_known(
    gateway: Simulated, fault: str, status: int, meaning: type[NotSent | Refused | Unclear]
) -> None:
    await gateway.fault(fault, retry_after="17")
    answer = await carried(gateway, fresh())
    assert isinstance(answer, meaning)
    assert (answer.attempt, answer.http_status) == (2, status)
    assert answer.reason.endswith(str(status))
    assert getattr(answer, "retry_after", 17.0) == 17.0


async def test_a_gateway_that_is_not_there_means_not_sent() -> None:
    nowhere = Simulated("http://127.0.0.1:9", None)  # type: ignore[arg-type]
    answer = await carried(nowhere, fresh())
    assert isinstance(answer, NotSent)
    assert (answer.reason, answer.http_status) == ("connect_refused", None)


async def looked(gateway: Simulated, *, channel: str = "Canal Um", secret: str = SECRET) -> tuple[Sign, str | None]:
    async with GatewayClient(gateway.url, secret) as client:
        look = GatewayLook(client, 0.5)
        return await look.probe(channel), await look.poll(channel)


@pytest.mark.parametrize("state", ["connected", "disconnected", "qr_required"])
async def test_a_gateway_that_says_how_a_channel_is_is_there(gateway: Simulated, state: str) -> None:
    await gateway.control("POST", "channels", {"id": "Canal Um", "status": state})
    assert await looked(gateway) == (Sign.THERE, state)


async def test_a_gateway_that_does_not_know_the_channel_is_there_too(gateway: Simulated) -> None:
    assert await looked(gateway, channel="Nenhum") == (Sign.THERE, None)


async def test_a_gateway_that_refuses_us_or_breaks_or_is_silent_is_not(gateway: Simulated) -> None:
    assert await looked(gateway, secret="wrong") == (Sign.AWAY, None)
    await gateway.fault("http_503", route="get_channel", count=2)
    assert await looked(gateway) == (Sign.FALTERS, None)
    await gateway.fault("hang", route="get_channel", count=1, delay_seconds=1)
    assert (await looked(gateway))[0] is Sign.FALTERS


async def test_a_gateway_that_cannot_be_reached_is_away() -> None:
    assert await looked(Simulated("http://127.0.0.1:9", None)) == (Sign.AWAY, None)  # type: ignore[arg-type]
