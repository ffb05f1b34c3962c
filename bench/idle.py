"""What a worker costs that has nothing to do."""

import asyncio
from time import perf_counter
from typing import Final

import psutil

from bench.result import Result
from infra.stack.supervision import Supervisor
from tests.e2e.hub import hub_on
from tests.support.stack import Stack
from tests.support.waiting import eventually

SECONDS: Final = 30.0
_WORKER: Final = "worker-1"
_SETTLE_SECONDS: Final = 5.0
_WANTED_PERCENT, _WANTED_MEGABYTES = 2.0, 150.0


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Start a worker anew, wait until it is ready, and look at its account with the kernel for a while."""
    seconds = SECONDS / 3 if quick else SECONDS
    supervisor = Supervisor(stack.layout)
    await asyncio.to_thread(supervisor.stop, _WORKER)
    await asyncio.to_thread(supervisor.start, _WORKER)
    async with hub_on(stack) as hub:
        await eventually(hub.is_ready, 60)
        process = psutil.Process(hub.worker_pid())
    await asyncio.sleep(_SETTLE_SECONDS)
    began, before = perf_counter(), _processor_seconds(process)
    await asyncio.sleep(seconds)
    percent = (_processor_seconds(process) - before) / (perf_counter() - began) * 100
    megabytes = process.memory_info().rss / 1_048_576
    return [
        Result("idle", "an idle worker", percent, "% of a core", at_most=_WANTED_PERCENT),
        Result("idle", "an idle worker, its memory", megabytes, "MB", at_most=_WANTED_MEGABYTES),
    ]


def _processor_seconds(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))
