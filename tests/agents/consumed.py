"""Records for agents, without a broker."""

from dataclasses import dataclass, field


@dataclass
class Consumed:
    """A record as aiokafka gives it."""

    value: bytes | None
    topic: str
    offset: int = 0
    key: bytes | None = b"k"
    partition: int = 0
    timestamp: int = 1_768_512_935_000
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    timestamp_type: int = 0
