"""What a worker has put in force: the value of `config.applied`, keyed by the worker."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from schemas.events import SCHEMA_VERSION


class Applied(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """How far a worker has applied the topics of the configuration, and since when. `at` is UTC, by its own clock.

    `worker` is its client id in the consumer group, which no other process ever had. `positions` has of each topic
    the first offset that it has not applied.
    """

    worker: str
    host: str
    pid: int
    at: datetime
    positions: Mapping[str, int]
    schema_version: int = SCHEMA_VERSION

    def covers(self, wanted: Mapping[str, int]) -> bool:
        """Whether all records before these positions are in force here."""
        return all(self.positions.get(topic, 0) >= position for topic, position in wanted.items())
