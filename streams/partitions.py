"""Where a record with a key lies."""

from typing import Final

from murmurhash2 import murmurhash2

_SEED: Final = 0x9747B28C  # that of Kafka's Java client


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key: murmur2, as the Java client and aiokafka do."""
    return (murmurhash2(key, _SEED) & 0x7FFFFFFF) % partitions
