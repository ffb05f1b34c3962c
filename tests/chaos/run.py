"""One run: a scenario on the system, until all is at rest, and what the oracle says of it."""

import asyncio
import os
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from aiokafka import TopicPartition

from streams import topics
from streams.identity import canonical_channel
from tests.chaos import clock, faults
from tests.chaos.failpoints import EVERY_WORKER
from tests.chaos.history import History
from tests.chaos.log import Log
from tests.chaos.oracle import Violation, judge
from tests.chaos.oracle.case import GOING
from tests.chaos.rebuild import rebuilt_differences, tables
from tests.chaos.scenario import Scenario
from tests.chaos.system import CHANNELS, System, channel_id
from tests.chaos.workload import Workload

REST_SECONDS: Final = 120.0
"""How long after its last fault the system may take until nothing waits any more."""

_LOOK_SECONDS: Final = 0.5
_FINAL_DOUBTS: Final = {"at_most_once": 1, "at_least_once": 2}
"""Attempts after which a command that stays in doubt has nothing more to wait for."""


@dataclass
class Outcome:
    """What came of a run. `failpoints` are those that acted; `rest` the seconds until all was at rest."""

    scenario: Scenario
    tag: str
    violations: list[Violation]
    history: History
    failpoints: list[str] = field(default_factory=list)
    exits: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    rest: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How much came in, was commanded and sent, and how much is in doubt."""
        last = {entry.value["command_id"]: entry.value["status"] for entry in self.history.facts}
        return {
            "inputs": len(self.history.inputs) + len(self.history.typed),
            "commands": len({entry.value["command_id"] for entry in self.history.commands}),
            "sent": len(self.history.delivered),
            "uncertain": Counter(last.values())["uncertain"],
        }


async def run(system: System, scenario: Scenario, slot: int) -> Outcome:
    """Carry a scenario out; `slot` is the number of the tenants and channels that are its own."""
    began = time.monotonic()
    tag = os.urandom(4).hex()
    before = Counter(system.exits)
    reached = _acted(system)
    start = await _ends(system)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=64), trust_env=False) as http:
        await _open_channels(system, slot, http)
        workload = Workload(system, slot, tag, http)
        async with asyncio.TaskGroup() as group:
            group.create_task(_workers(system, scenario))
            group.create_task(_faults(system, scenario, slot, http))
            sending = group.create_task(workload.run(scenario.wishes, scenario.told))
            group.create_task(_in_time(sending, system, scenario.workers))
        await system.calm(scenario.workers)
        await http.delete(f"{system.gateway}/_sim/faults")
        await _open_channels(system, slot, http)
        calm = time.monotonic()
        history = await _at_rest(system, slot, http, start, workload)
    rest = time.monotonic() - calm
    return Outcome(
        scenario=scenario,
        tag=tag,
        violations=judge(history),
        history=history,
        failpoints=_acted(system)[len(reached) :],
        exits=Counter(system.exits) - before,
        seconds=time.monotonic() - began,
        rest=rest,
    )


async def _workers(system: System, scenario: Scenario) -> None:
    """As many workers as the scenario begins with; what is armed, or has a clock that will jump, anew."""
    wanted = {f"worker-{number + 1}" for number in range(scenario.workers)}
    for name, process in system.processes.items():
        if name.startswith("worker") and name not in wanted and process.is_alive:
            await process.stop()
    special: defaultdict[str, dict[str, str]] = defaultdict(dict)
    if scenario.armed:
        for name in wanted if scenario.armed.process == EVERY_WORKER else {scenario.armed.process}:
            special[name]["POSTO_FAILPOINTS"] = scenario.armed.spelled
    for fault in scenario.faults:
        if fault.name in faults.CLOCKS:
            special[fault.target] |= clock.environment(system.clock_file(fault.target))
    for name in sorted(wanted - set(special)):
        if not system.processes[name].is_alive:
            system.processes[name].start(system.usual(name))
    await asyncio.gather(*(system.restart(name, more) for name, more in special.items()))


async def _faults(system: System, scenario: Scenario, slot: int, http: httpx.AsyncClient) -> None:
    began = time.monotonic()

    async def one(fault: faults.Fault) -> None:
        await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
        await faults.carry_out(fault, system, slot, http)

    async with asyncio.TaskGroup() as group:
        for fault in scenario.faults:
            group.create_task(one(fault))


async def _in_time(sending: "asyncio.Task[None]", system: System, workers: int) -> None:
    """Producers that repeat without end are a failure of the system, not of the test's patience."""
    done, _ = await asyncio.wait({sending}, timeout=REST_SECONDS)
    if not done:
        sending.cancel()


async def _open_channels(system: System, slot: int, http: httpx.AsyncClient) -> None:
    for number in range(CHANNELS):
        body = {"id": channel_id(slot, number), "status": "connected", "emit": True}
        (await http.post(f"{system.gateway}/_sim/channels", json=body)).raise_for_status()


async def _at_rest(
    system: System, slot: int, http: httpx.AsyncClient, start: Mapping[TopicPartition, int], workload: Workload
) -> History:
    """Wait until nothing waits any more, or for too long; then all that is on record."""
    deadline = time.monotonic() + REST_SECONDS
    own = {canonical_channel(channel_id(slot, number)) for number in range(CHANNELS)}
    settings = system.settings
    async with Log(settings.kafka_bootstrap_servers, settings.posto_partitions, start) as log:
        while True:
            await log.read()
            pending = (await http.get(f"{system.gateway}/_sim/webhooks")).json()["pending"]
            lag = await log.lag()
            unsettled = _unsettled(log, own)
            is_late = time.monotonic() > deadline
            if (not pending and not lag and not unsettled) or is_late:
                ends = await log.ends()
                await asyncio.sleep(_LOOK_SECONDS)
                if is_late or ends == await log.ends():
                    break
            await asyncio.sleep(_LOOK_SECONDS)
        await log.read()
        channels = {channel_id(slot, number) for number in range(CHANNELS)}
        answer = await http.get(f"{system.gateway}/_sim/messages", params={"limit": 100_000})
        differences = await rebuilt_differences(settings)
        rows = (await asyncio.to_thread(tables, settings))["outbound_messages"]
        return History(
            inputs=workload.inputs,
            typed=workload.typed,
            raw=[*log.entries[topics.RAW_EVENT], *log.entries[topics.RAW_WEBHOOK]],
            accepted=log.entries[topics.EVENT_ACCEPTED],
            commands=[entry for entry in log.entries[topics.COMMAND_OUTBOUND] if entry.value["channel"] in own],
            facts=[entry for entry in log.entries[topics.DELIVERY_STATUS] if entry.value["channel"] in own],
            dead=log.entries[topics.DEAD_LETTER],
            delivered=[message for message in answer.json()["messages"] if message["channel"] in channels],
            rows={row["command_id"]: row for row in rows},
            differences=differences,
            lag=lag,
            unsettled=unsettled,
        )


def _unsettled(log: Log, own: Collection[str]) -> list[str]:
    """The commands on the run's own channels for which the sender still has something to do.

    Commands of an earlier run may be said again after a crash; their facts lie before the start of this one.
    """
    last: dict[str, Any] = {}
    attempts: Counter[str] = Counter()
    for entry in sorted(log.entries[topics.DELIVERY_STATUS], key=lambda entry: (entry.partition, entry.offset)):
        command_id = entry.value["command_id"]
        last[command_id] = entry.value
        attempts[command_id] = max(attempts[command_id], entry.value.get("attempt", 0))
    found = []
    for command in log.entries[topics.COMMAND_OUTBOUND]:
        if command.value["channel"] not in own:
            continue
        command_id, policy = command.value["command_id"], command.value.get("policy", "at_most_once")
        status = last[command_id]["status"] if command_id in last else "unknown"
        may_send = attempts[command_id] < _FINAL_DOUBTS[policy] and not _is_over(command.value)
        waits = status == "uncertain" and may_send
        if waits or status == "unknown" or status in GOING:
            found.append(f"{command_id} is still {status} after {attempts[command_id]} attempts")
    return sorted(set(found))


def _is_over(command: Mapping[str, Any]) -> bool:
    """Whether the time of a command has ended: a doubt of it is not sent again then."""
    expires_at = command.get("expires_at")
    return expires_at is not None and datetime.fromisoformat(expires_at) <= datetime.now(UTC)


async def _ends(system: System) -> dict[TopicPartition, int]:
    async with Log(system.settings.kafka_bootstrap_servers, system.settings.posto_partitions, {}) as log:
        return await log.ends()


def _acted(system: System) -> list[str]:
    """The failpoints that did something so far, in order."""
    if not system.failpoint_log.exists():
        return []
    lines = [line.split() for line in system.failpoint_log.read_text().splitlines()]
    return [place for what, place, *_ in lines if what != "reached"]
