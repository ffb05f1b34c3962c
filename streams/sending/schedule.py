"""When a command that was not sent is tried again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LONGEST_RETRY_AFTER: Final = 86_400.0
"""Seconds: a gateway that asks for more is taken to mean this."""

_JITTER: Final = 0.25


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often and when to try.

    `waits` are the seconds after the first, second, ... attempt that sent nothing; the last one repeats. An attempt
    in doubt waits `uncertain_wait` seconds for evidence.
    """

    waits: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0)
    max_attempts: int = 8
    uncertain_wait: float = 120.0

    def retry_at(self, now: datetime, attempt: int, spread: float, retry_after: float | None = None) -> datetime | None:
        """When to try again after an attempt that sent nothing; None where that was the last one.

        `spread` from 0 to 1 moves the wait by a quarter either way. A `retry_after` is a lower bound.
        """
        if attempt >= self.max_attempts:
            return None
        wait = self.waits[min(attempt, len(self.waits)) - 1] * (1 - _JITTER + 2 * _JITTER * spread)
        asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
        return now + timedelta(seconds=max(wait, asked))

    def doubt_ends(self, in_doubt_since: datetime) -> datetime:
        """When the window ends in which evidence of an attempt is waited for."""
        return in_doubt_since + timedelta(seconds=self.uncertain_wait)


def spread(command_id: str, attempt: int) -> float:
    """A number from 0 to 1, other for every attempt and always the same for one: jitter that can be repeated."""
    digest = hashlib.blake2b(f"{command_id}:{attempt}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 0xFFFFFFFF
