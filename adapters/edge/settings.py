"""What the edge is told at its start."""

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1_048_576


@dataclass(frozen=True)
class EdgeSettings:
    """Secrets and limits. No webhook secret means that anyone may post webhooks; events always need one.

    `max_reading_bytes` bounds what all bodies under way may take together, `max_requests` how many there may be.
    """

    webhook_secrets: tuple[str, ...]
    ingestion_secrets: tuple[str, ...]
    max_body_bytes: int = 16 * MEBIBYTE
    max_batch_items: int = 10_000
    max_reading_bytes: int = 64 * MEBIBYTE
    max_requests: int = 1000
    read_timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not self.ingestion_secrets:
            raise ValueError("at least one ingestion secret is needed")
