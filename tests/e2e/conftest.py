"""The hub of the end-to-end tests."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.hub import Hub, hub_on
from tests.support.stack import Stack


@pytest.fixture
async def hub(stack: Stack) -> AsyncIterator[Hub]:
    """The run's stack, with clients."""
    async with hub_on(stack) as hub:
        yield hub
