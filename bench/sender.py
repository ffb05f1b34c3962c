"""Commands to messages: a worker with a backlog for 200 channels, beside a bare loop of httpx at the same gateway."""

import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
import psutil

from bench.channels import channels, delivered, forget_messages, messages, tenant_of
from bench.processes import Racer
from bench.race import ROUNDS, Lap, race
from bench.result import Result
from infra.stack.supervision import Supervisor
from schemas.commands import Command
from schemas.deliveries import FactKind
from schemas.events import Action
from streams import topics
from streams.partitions import partition_of
from tests.e2e.hub import Hub, facts, hub_on
from tests.support.stack import Stack
from tests.support.waiting import eventually

CHANNELS, CONTACTS, EACH = 200, 5, 6
"""Contacts of a channel, and messages to each of them."""
OURS, BARE = "the sender in its worker", "a bare loop of httpx"

_WANTED: Final = 0.6
_CPU: Final = "us of CPU/message"
_FACTS: Final = (FactKind.ACCEPTED, FactKind.ATTEMPT_STARTED, FactKind.ANSWERED)
_SECONDS: Final = 240.0
_WORKER: Final = "worker-1"


@dataclass(frozen=True)
class Course:
    """A hub with channels, and how many messages go to each contact."""

    hub: Hub
    channels: Sequence[str]
    each: int


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Let each hand the same messages to the simulator, whose clock says how long it took.

    Ours has its attempts in the log before their requests leave; both have as many requests under way. Checked: each
    message was delivered once, in the order of its contact; of ours, each has its attempt and its end in the log.
    """
    async with hub_on(stack) as hub, channels(hub, CHANNELS) as names:
        course = Course(hub, names, EACH // 3 if quick else EACH)
        try:
            runs = {OURS: partial(_ours, course), BARE: partial(_bare, course)}
            standing = await race("sender", runs, 1 if quick else ROUNDS)
        finally:
            await asyncio.to_thread(Supervisor(stack.layout).start, _WORKER)
            await eventually(hub.is_ready, 60)
    return [*standing.results(), standing.ratio(OURS, BARE, at_least=_WANTED)]


async def _ours(course: Course) -> Lap:
    """Write the commands while no worker runs, and start one."""
    hub, supervisor, commands = course.hub, Supervisor(course.hub.stack.layout), _commands(course)
    await _begin(hub)
    await _write(hub, commands)
    await asyncio.to_thread(supervisor.start, _WORKER)
    await eventually(lambda: delivered(hub), 60)
    process = psutil.Process(hub.worker_pid())
    used = sum(process.cpu_times()[:2])
    await eventually(lambda: _has_delivered(hub, len(commands)), _SECONDS, interval=0.2)
    used = sum(process.cpu_times()[:2]) - used
    speed = await _checked(hub, commands)
    await eventually(lambda: _are_in_the_log(hub, commands), 30, interval=1)
    return {"messages/s": speed, _CPU: used / len(commands) * 1e6}


async def _bare(course: Course) -> Lap:
    """The same messages by a loop that remembers nothing."""
    hub, commands = course.hub, _commands(course)
    settings = hub.stack.settings()
    await _begin(hub)
    with tempfile.TemporaryDirectory(prefix="posto-racer-") as folder:
        file = Path(folder) / "messages"
        by_channel = groupby(sorted(commands, key=_channel), _channel)
        file.write_bytes(b"\n".join(msgspec.json.encode([_body(each) for each in found]) for _, found in by_channel))
        cost = await Racer("bench.peers.httpx_loop").run(
            settings.wpp_gateway_base_url,
            settings.wpp_gateway_secret.get_secret_value(),
            str(settings.posto_send_concurrency),
            str(file),
        )
    return {"messages/s": await _checked(hub, commands), _CPU: cost["cpu_seconds"] / len(commands) * 1e6}


async def _begin(hub: Hub) -> None:
    """Let nobody send, and nothing be delivered yet."""
    await asyncio.to_thread(Supervisor(hub.stack.layout).stop, _WORKER)
    await forget_messages(hub)


def _commands(course: Course) -> list[Command]:
    """A message to each contact of each channel, then the second one to each, and so on."""
    return [
        Command(
            command_id=str(uuid4()),
            event_id=str(uuid4()),
            event_type="bench.message",
            trace_id=uuid4().hex,
            action=Action.WHATSAPP,
            tenant_id=tenant_of(channel),
            channel=channel,
            to=contact,
            contact=contact,
            text=f"{number:06d} " + "x" * 200,
            created_at=datetime.now(UTC),
        )
        for number in range(course.each)
        for contact in (f"5547910{each:06d}" for each in range(CONTACTS))
        for channel in course.channels
    ]


def _channel(command: Command) -> str:
    return command.channel


def _body(command: Command) -> dict[str, object]:
    """What the gateway is asked for a command, as our client asks it."""
    metadata = {"command_id": command.command_id, "event_id": command.event_id, "trace_id": command.trace_id}
    return {
        "channel": command.channel,
        "to": command.to,
        "text": command.text,
        "metadata": metadata,
    }


async def _write(hub: Hub, commands: Sequence[Command]) -> None:
    partitions = hub.stack.settings().posto_partitions
    for command in commands:
        key = command.channel.encode()
        await hub.producer.send(
            topics.COMMAND_OUTBOUND,
            msgspec.json.encode(command),
            key=key,
            partition=partition_of(key, partitions),
        )
    await hub.producer.flush()


async def _has_delivered(hub: Hub, count: int) -> bool:
    return await delivered(hub) >= count


async def _checked(hub: Hub, commands: Sequence[Command]) -> float:
    """Messages a second; AssertionError where one is missing, was sent twice, or overtook another one."""
    found = await messages(hub)
    sent = Counter(message["metadata"]["command_id"] for message in found)
    assert sent == Counter(command.command_id for command in commands)
    texts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for message in found:
        texts[message["channel"], message["to"]].append(message["text"])
    assert all(said == sorted(said) for said in texts.values())
    began, ended = float(found[0]["at"]), float(found[-1]["at"])
    return (len(found) - 1) / (ended - began)


async def _are_in_the_log(hub: Hub, commands: Sequence[Command]) -> bool:
    """Whether each command has one attempt in the log, and its answer."""
    ids = {command.command_id for command in commands}
    records = await hub.records(topics.DELIVERY_STATUS, lambda _: True)
    said = Counter((fact["command_id"], fact["fact"]) for fact in facts(records) if fact["command_id"] in ids)
    wanted = {(command_id, fact): 1 for command_id in ids for fact in _FACTS}
    return said == wanted
