"""Where a record with a key lies."""

from functools import lru_cache
from typing import Final

from murmurhash2 import murmurhash2

_SEED: Final = 0x9747B28C  # that of Kafka's Java client
_KNOWN: Final = 8192


@lru_cache(_KNOWN)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key: murmur2, as the Java client and aiokafka do.

    Remembered: the hash gives the interpreter's lock away each time it is asked, which costs two threads a wake-up.
    """
    return (murmurhash2(key, _SEED) & 0x7FFFFFFF) % partitions
