"""An edge in this process, and clients that have the right secret."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.adapters.edge.recording import EVENT_SECRET, WEBHOOK_SECRET, RecordingLog, client


@pytest.fixture
def log() -> RecordingLog:
    return RecordingLog()


@pytest.fixture
async def gateway(log: RecordingLog) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the webhook secret."""
    async with client(log, {"X-Webhook-Secret": WEBHOOK_SECRET}) as connected:
        yield connected


@pytest.fixture
async def producer(log: RecordingLog) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the ingestion secret."""
    async with client(log, {"Authorization": f"Bearer {EVENT_SECRET}"}) as connected:
        yield connected


@pytest.fixture
async def stranger(log: RecordingLog) -> AsyncIterator[httpx.AsyncClient]:
    """A client without any secret."""
    async with client(log) as connected:
        yield connected
