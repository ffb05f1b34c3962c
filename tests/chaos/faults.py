"""What can go wrong in a run: planned from a seed, and carried out on the system."""

import asyncio
import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

from tests.chaos import clock
from tests.chaos.process import Process
from tests.chaos.system import System, channel_id

_LONGER_THAN_A_SESSION: Final = 9.0
_LOOK_SECONDS: Final = 0.3
_LOOKS: Final = 60
_WORKED_SECONDS: Final = 1.5

GATEWAY: Final[Mapping[str, Mapping[str, Any]]] = {
    "gateway answer lost": {"kind": "drop", "delivered": True, "count": 4, "probability": 0.5},
    "gateway drops the call": {"kind": "drop", "count": 4, "probability": 0.5},
    "gateway answer late": {"kind": "hang", "delay_seconds": 2.5, "count": 4, "probability": 0.5},
    "gateway answers slowly": {"kind": "hang", "delay_seconds": 5.0, "count": 30},
    "gateway error after delivery": {"kind": "http_504", "delivered": True, "count": 4, "probability": 0.5},
    "gateway says false after delivery": {"kind": "success_false", "delivered": True, "count": 3, "probability": 0.5},
    "gateway answers nonsense": {"kind": "not_json", "delivered": True, "count": 3, "probability": 0.5},
    "gateway error without delivery": {"kind": "http_500", "count": 4, "probability": 0.5},
    "gateway asks to wait": {"kind": "http_429", "retry_after": 1, "count": 6, "probability": 0.5},
    "gateway refuses for good": {"kind": "http_400", "count": 3, "probability": 0.5},
    "gateway refuses the secret": {"kind": "http_401", "count": 6, "probability": 0.5},
    "webhooks twice": {"kind": "duplicates", "times": 2, "count": None, "probability": 0.5},
    "acks in reverse": {"kind": "acks_reversed", "count": None, "probability": 0.5},
    "ack says failed": {"kind": "ack_failed", "count": 3, "probability": 0.3},
    "echo before answer": {"kind": "echo_first", "count": None, "probability": 0.5},
    "echo missing": {"kind": "no_echo", "count": None, "probability": 0.4},
    "acks missing": {"kind": "no_acks", "count": None, "probability": 0.4},
    "message id null": {"kind": "message_id_null", "count": None, "probability": 0.7},
}
"""The faults of the gateway, by name, as the simulator takes them."""

PROCESS: Final[Mapping[str, tuple[str, float]]] = {
    "kill worker": ("worker", 0.0),
    "term worker": ("worker", 0.0),
    "pause worker": ("worker", _LONGER_THAN_A_SESSION),
    "worker joins": ("worker", 0.0),
    "worker leaves": ("worker", 0.0),
    "kill edge": ("edge", 0.0),
    "term edge": ("edge", 0.0),
    "pause edge": ("edge", 4.0),
    "kill gateway": ("simulator", 0.0),
    "pause gateway": ("simulator", 5.0),
    "kill kafka": ("kafka", 0.0),
    "term kafka": ("kafka", 0.0),
    "pause kafka": ("kafka", 8.0),
    "kill mysql": ("mysql", 0.0),
    "pause mysql": ("mysql", 6.0),
}
"""What happens to processes: to which, and for how many seconds."""

ONE_OF_THREE: Final[Mapping[str, str]] = {
    "kill kafka": "kill one broker",
    "term kafka": "term one broker",
    "pause kafka": "pause one broker",
}
"""What happens instead where there are three brokers: without the one, nothing stops."""

CHANNEL_DOWN: Final = "channel down"
CLOCKS: Final[Mapping[str, float]] = {"clock ahead": 12.0, "clock behind": -12.0}
"""Seconds by which the clock of a worker jumps, for a while."""

KNOWN: Final = (*PROCESS, *GATEWAY, CHANNEL_DOWN, *CLOCKS)


def of_three(chance: random.Random, fault: "Fault") -> "Fault":
    """What a fault comes to where there are three brokers."""
    if fault.name not in ONE_OF_THREE:
        return fault
    return replace(fault, name=ONE_OF_THREE[fault.name], target=f"kafka-{chance.randrange(3) + 1}")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, `at` so many seconds from the start, for `seconds` where it lasts."""

    at: float
    name: str
    target: str = ""
    seconds: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)


def plan(chance: random.Random, seed: int, workers: int, within: float, known: Sequence[str] = KNOWN) -> list[Fault]:
    """One or two things that happen to processes, one or two that the gateway does.

    The first takes its turn by the seed, so that any run of seeds meets all of them, with another failpoint each time
    round; the others are drawn.
    """
    names = [known[(seed + seed // len(known)) % len(known)]]
    names.append(chance.choice([name for name in known if name in GATEWAY]))
    if chance.random() < 0.6:
        names.append(chance.choice([name for name in known if name not in GATEWAY]))
    return [planned(chance, name, workers, within) for name in dict.fromkeys(names)]


def planned(chance: random.Random, name: str, workers: int, within: float) -> Fault:
    """A fault of a name, at a time and in a place of chance."""
    at = chance.uniform(0.5, within - 1.0)
    worker = f"worker-{chance.randrange(workers) + 1}"
    if name in PROCESS:
        target, seconds = PROCESS[name]
        if target == "worker":
            target = {"worker joins": f"worker-{workers + 1}", "worker leaves": f"worker-{workers}"}.get(name, worker)
        return Fault(at, name, target, seconds)
    if name in CLOCKS:
        return Fault(at, name, worker, chance.uniform(2.0, 5.0), {"offset": CLOCKS[name]})
    if name == CHANNEL_DOWN:
        return Fault(at, name, str(chance.randrange(3)), chance.uniform(2.0, 5.0))
    return Fault(chance.uniform(0.0, 3.0), name, detail={**GATEWAY[name], "seed": chance.randrange(1_000)})


async def carry_out(fault: Fault, system: System, slot: int, http: httpx.AsyncClient) -> None:
    """Do it, and undo it where it lasts."""
    if fault.name in GATEWAY:
        await _tell_gateway(http, system, "faults", dict(fault.detail))
    elif fault.name in CLOCKS:
        file = system.clock_file(fault.target)
        clock.move(file, fault.detail["offset"])
        await asyncio.sleep(fault.seconds)
        clock.move(file, 0)
    elif fault.name == CHANNEL_DOWN:
        channel = channel_id(slot, int(fault.target))
        await _tell_gateway(http, system, "channels", {"id": channel, "status": "disconnected"})
        await asyncio.sleep(fault.seconds)
        await _tell_gateway(http, system, "channels", {"id": channel, "status": "connected"})
    else:
        await _to_process(fault, system)


async def _to_process(fault: Fault, system: System) -> None:
    process = system.processes[fault.target]
    if fault.detail.get("once ready"):
        await _at_work(process)
    match fault.name.partition(" ")[0]:
        case "kill":
            process.send(signal.SIGKILL)
        case "term":
            await system.restart(fault.target)
        case "worker" if fault.name == "worker joins":
            if not process.is_alive:
                process.start(system.usual(fault.target))
        case "worker":
            await process.stop()
        case _:
            process.send(signal.SIGSTOP)
            await asyncio.sleep(fault.seconds)
            process.send(signal.SIGCONT)


async def _at_work(process: Process) -> None:
    """Wait until a process has something in hand, for a while."""
    for _ in range(_LOOKS):
        if await process.is_ready():
            await asyncio.sleep(_WORKED_SECONDS)
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _tell_gateway(http: httpx.AsyncClient, system: System, path: str, body: Any) -> None:
    """A gateway that is away cannot be told: the fault does not happen, or ends with the run."""
    try:
        await http.post(f"{system.gateway}/_sim/{path}", json=body, timeout=10)
    except httpx.HTTPError:
        return
