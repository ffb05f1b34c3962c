"""The hub of the end-to-end tests."""

from collections.abc import AsyncIterator

import pytest

from infra.stack.application import answers
from tests.e2e.hub import Hub, hub_on
from tests.support.stack import Stack
from tests.support.waiting import eventually


@pytest.fixture
async def hub(stack: Stack) -> AsyncIterator[Hub]:
    """The run's stack, with clients; ready again, should the test before have killed a part of it."""
    ports = [int(stack.env[name]) for name in ("POSTO_EDGE_PORT", "POSTO_METRICS_PORT")]
    await eventually(lambda: all(answers(port, "/readyz") for port in ports), 60, because="the stack is not ready")
    async with hub_on(stack) as hub:
        yield hub
