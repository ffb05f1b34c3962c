"""When an errand that did not succeed is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LONGEST_RETRY_AFTER: Final = 86_400.0
"""Seconds: whoever asks for more is taken to mean this."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`waits` are the seconds after the first, second, ... try; after the try that follows the last one, give up."""

    waits: tuple[float, ...]

    def next_due(self, now: datetime, attempts: int, retry_after: float | None = None) -> datetime | None:
        """When the next try is due after so many; None where that was the last. `retry_after` is a lower bound."""
        if attempts > len(self.waits):
            return None
        asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
        return now + timedelta(seconds=max(self.waits[attempts - 1], asked))
