"""One fetched batch of one partition, dressed as a single Kafka record for Faust."""

from collections.abc import Sequence
from typing import Any, Protocol

from streams.records import Record as KeylessRecord


class Record(KeylessRecord, Protocol):
    """A consumed record with its key."""

    @property
    def key(self) -> bytes | None: ...


_RECORD_OVERHEAD = 200  # bytes of Python objects a record costs beside its key and value, about


class FetchedBatch:
    """The records of one fetch of one partition.

    It quacks like the last of its records, so that Faust's offsets are those of the batch's end; the records
    themselves are its `value.records`. `taken`, by its agent, and `acked` are set by the runtime alone; `dropped` says
    that the partition was taken away, so that a late ack means nothing.
    """

    __slots__ = (
        "acked",
        "dropped",
        "first_offset",
        "nbytes",
        "offset",
        "partition",
        "records",
        "taken",
        "timestamp",
        "timestamp_type",
        "topic",
    )

    key = None
    headers = ()
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, records: Sequence[Any]) -> None:
        last = records[-1]
        self.records: Sequence[Record] = records
        self.topic: str = last.topic
        self.partition: int = last.partition
        self.offset: int = last.offset
        self.timestamp: int = last.timestamp
        self.timestamp_type: int = last.timestamp_type
        self.first_offset: int = records[0].offset
        self.nbytes = _RECORD_OVERHEAD * len(records)
        for record in records:
            self.nbytes += len(record.key or b"") + len(record.value or b"")
        self.taken = False
        self.acked = False
        self.dropped = False

    @property
    def value(self) -> "FetchedBatch":
        """What Faust hands on as the message's value."""
        return self

    def release(self) -> int:
        """Let go of the records; the bytes they took."""
        self.records = ()
        freed, self.nbytes = self.nbytes, 0
        return freed
