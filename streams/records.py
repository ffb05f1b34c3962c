"""A consumed Kafka record, as whoever reads one sees it."""

from collections.abc import Sequence
from typing import Protocol


class Record(Protocol):
    """A consumed record, as aiokafka gives it. `timestamp` is in milliseconds since the epoch."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
