"""The log that the edge appends to, as its routes see it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes]]

AROUND_A_VALUE = 512
"""Bytes of key, headers and bookkeeping."""


class Entry(NamedTuple):
    """One record to be kept."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers

    @property
    def size(self) -> int:
        """Its bytes in memory, near enough for limits."""
        return len(self.value) + AROUND_A_VALUE


class LogError(Exception):
    """Root of what a log raises: the entries may or may not be kept. The message is for the caller."""


class LogUnavailableError(LogError):
    """The log did not confirm the entries in time, or cannot be reached at all."""


class LogRefusedError(LogUnavailableError):
    """The log will never take this entry, however often it is sent."""


class LogFullError(LogError):
    """Too many entries wait for their confirmation; these were not taken."""


class Log(Protocol):
    """An append-only log: entries with one key are kept in the order of the calls."""

    @property
    def backlog_bytes(self) -> int:
        """Bytes that wait for their confirmation."""

    @property
    def backlog_entries(self) -> int:
        """Entries that wait for their confirmation."""

    @property
    def caveat(self) -> str | None:
        """What is not as it should be, though entries are kept; for people."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Return once all entries are kept so that they survive this process; LogError where that is not known."""

    async def check(self) -> None:
        """LogUnavailableError with the reason where an append would fail now."""
