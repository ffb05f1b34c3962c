"""A simulated gateway and a client of it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from adapters.gateway import GatewayClient
from infra.simulator.config import SimulatorConfig
from tests.support.gateway import Simulated, simulated

SECRET = "gateway-secret"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_simulator() -> AsyncIterator[Simulated]:
    """One simulator for a module's tests; it posts no webhooks of its own accord."""
    async with simulated(SimulatorConfig(secret=SECRET, emit_echo=False, acks=())) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="module")
async def simulator(running_simulator: Simulated) -> Simulated:
    """The simulator as at its start."""
    await running_simulator.control("POST", "reset")
    return running_simulator


@pytest_asyncio.fixture(loop_scope="module")
async def gateway(simulator: Simulated) -> AsyncIterator[GatewayClient]:
    """A client with the right secret."""
    async with GatewayClient(simulator.url, SECRET) as client:
        yield client
