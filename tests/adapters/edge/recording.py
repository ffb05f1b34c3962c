"""A log that only remembers, and an edge on top of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from adapters.edge.app import build_app
from adapters.edge.log import Entry, LogError
from adapters.edge.settings import EdgeSettings

WEBHOOK_SECRET = "webhook-secret-of-this-test"
EVENT_SECRET = "event-secret-of-this-test"
SETTINGS = EdgeSettings(webhook_secrets=(WEBHOOK_SECRET,), ingestion_secrets=(EVENT_SECRET,))


class RecordingLog:
    """Keeps entries in memory; with an `error` it keeps none and raises that."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.error: LogError | None = None
        self.backlog_bytes = 0
        self.backlog_entries = 0
        self.caveat: str | None = None

    async def append(self, entries: Sequence[Entry]) -> None:
        await self.check()
        self.entries.extend(entries)

    async def check(self) -> None:
        if self.error is not None:
            raise self.error

    @property
    def only(self) -> Entry:
        """The one entry that was kept."""
        assert len(self.entries) == 1
        return self.entries[0]


def client(
    log: RecordingLog, headers: Mapping[str, str] | None = None, settings: EdgeSettings = SETTINGS
) -> httpx.AsyncClient:
    """A client of an edge in this process; exceptions become the answer that a real server would give."""
    transport = httpx.ASGITransport(build_app(settings, log), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://edge", headers=headers)


def header(entry: Entry, name: str) -> str | None:
    """A record header as text."""
    return next((value.decode() for found, value in entry.headers if found == name), None)


def fields(answer: httpx.Response) -> dict[str, str]:
    """The wrong fields that a problem document lists, with their messages."""
    listed: list[dict[str, Any]] = answer.json()["errors"]
    return {error["field"]: error["message"] for error in listed}
