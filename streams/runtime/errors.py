"""What can go wrong in the batch runtime."""


class BatchRuntimeError(Exception):
    """Root of what this package raises."""


class SurfaceError(BatchRuntimeError):
    """The installed Faust lacks a name that the runtime relies on; the message names it."""


class BrokenInvariantError(BatchRuntimeError):
    """Something happened that would lose or repeat records; the process must stop."""


class HandingOverError(BatchRuntimeError):
    """The partitions are being taken away: the batch in hand is let go, un-acked, for their next owner."""


class RecordTooLargeError(BatchRuntimeError):
    """A record would exceed the size that its topic takes; sending it again cannot help."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(f"a record of {size} bytes does not fit into {topic}, which takes {limit}")
        self.topic = topic
        self.size = size
        self.limit = limit


class PublishError(BatchRuntimeError):
    """Kafka refused records for good; the process must stop and start anew."""


class OwnershipLostError(BatchRuntimeError):
    """Somebody else owns a partition by now, or may: nothing more is written, and the process stops in order."""
