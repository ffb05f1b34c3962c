"""`make chaos`: scenarios by their seeds, one after the other, and a summary by fault and failpoint."""

import argparse
import asyncio
import logging
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from infra.stack.layout import CHECKOUT
from tests.chaos import clock, faults
from tests.chaos.failpoints import Armed
from tests.chaos.ledger import Ledger, revision, summary
from tests.chaos.report import write
from tests.chaos.run import Outcome, run
from tests.chaos.scenario import Scenario, plan, with_faults
from tests.chaos.system import SLOTS, System

FOLDER: Final = CHECKOUT / ".local" / "chaos"
RUNS_ON_ONE_SYSTEM: Final = SLOTS
"""After so many runs, and after one that failed, everything is started from fresh data."""


async def main(arguments: argparse.Namespace) -> int:
    """Run the seeds; the exit code is 0 only where nothing failed."""
    ledger = Ledger(arguments.folder / "ledger.jsonl")
    if not arguments.resume:
        ledger.clear()
    done = {line["seed"] for line in ledger.lines() if line["outcome"] == "passed"}
    seeds = [seed for seed in range(arguments.seed, arguments.seed + arguments.runs) if seed not in done]
    code = revision()
    _say(
        f"{len(seeds)} seeds from {arguments.seed}, {len(done)} passed before, code {code}, logs in {arguments.folder}"
    )
    arguments.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if arguments.only is None and (reason := await asyncio.to_thread(clock.ensure, arguments.folder / "apt.log")):
        _say(f"clocks do not jump here: {reason}")
    system = System(arguments.folder)
    failed = 0
    try:
        slot = 0
        for seed in seeds:
            scenario = _scenario(seed, arguments)
            if slot == 0 or scenario.brokers != len(system.brokers):
                slot = 0
                await system.fresh(scenario.brokers)
            outcome = await run(system, scenario, slot)
            ledger.add(outcome, code)
            _tell(outcome, arguments.folder, system)
            failed += bool(outcome.violations)
            slot = 0 if outcome.violations else (slot + 1) % RUNS_ON_ONE_SYSTEM
    except asyncio.CancelledError:
        _say("stopped; RESUME=1 goes on from here")
    finally:
        await system.stop()
    _say("\n" + summary(ledger.lines()))
    return 1 if failed else 0


def _scenario(seed: int, arguments: argparse.Namespace) -> Scenario:
    """The scenario of a seed, or its inputs with the faults that were asked for."""
    scenario = plan(seed, known())
    if arguments.only is not None:
        names = [name for name in arguments.only.split(",") if name]
        scenario = with_faults(scenario, names)
    if arguments.arm is not None:
        scenario = replace(scenario, armed=Armed.read(arguments.arm) if arguments.arm else None)
    return scenario


def known() -> list[str]:
    """The faults that this machine can do."""
    return [name for name in faults.KNOWN if name not in faults.CLOCKS or clock.library()]


def _tell(outcome: Outcome, folder: Path, system: System) -> None:
    scenario = outcome.scenario
    sign = "FAILED" if outcome.violations else "ok"
    acted = f"; acted {', '.join(outcome.failpoints)}" if outcome.failpoints else ""
    ended = f"; ended {dict(outcome.exits)}" if outcome.exits else ""
    _say(
        f"seed {scenario.seed:<5} {sign:<6} {outcome.seconds:5.1f} s, at rest after {outcome.rest:4.1f} s: "
        f"{outcome.counts} {', '.join(scenario.fault_names())}{acted}{ended}"
    )
    if outcome.violations:
        place = write(outcome, folder / f"failed-{scenario.seed}", system.folder / "local" / "log")
        _say(f"  repeat it with: make chaos RUNS=1 SEED={scenario.seed}; everything about it is in {place}")
        for violation in outcome.violations[:10]:
            _say(f"  {str(violation)[:400]}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="keep the ledger, and leave out the seeds that passed")
    parser.add_argument("--only", metavar="FAULTS", help="these faults alone, comma-separated; none with an empty text")
    parser.add_argument("--arm", metavar="FAILPOINT", help="this one, such as worker-1:sender.answered=kill@1")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    return parser.parse_args()


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


async def _until_stopped(arguments: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await main(arguments)


if __name__ == "__main__":
    _quiet()
    sys.exit(asyncio.run(_until_stopped(_arguments())))
