"""A short, fixed selection of what `make chaos` does, as part of every test run."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.chaos.failpoints import Armed
from tests.chaos.run import run
from tests.chaos.scenario import plan, with_faults
from tests.chaos.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The system on fresh data; each scenario has a slot of its own."""
    system = System(tmp_path_factory.mktemp("chaos"))
    try:
        await system.fresh()
        yield system
    finally:
        await system.stop()


SELECTED = (
    ("workers:sender.answered=kill", ("gateway answer lost", "webhooks twice", "pause kafka")),
    ("workers:runtime.table_written[router]=kill", ("kill mysql", "kill edge", "echo before answer")),
)
"""A failpoint of every worker (one alone may own no channel), and faults, so that each part of the system is hit."""


@pytest.mark.parametrize("slot", range(len(SELECTED)))
async def test_nothing_is_lost_doubled_or_put_back(system: System, slot: int) -> None:
    armed, faults = SELECTED[slot]
    scenario = replace(with_faults(plan(slot), faults), armed=Armed.read(armed))
    outcome = await run(system, scenario, slot)
    assert [str(violation) for violation in outcome.violations] == []
    assert outcome.failpoints
    assert outcome.counts["sent"]
