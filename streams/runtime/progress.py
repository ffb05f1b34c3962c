"""How far a worker has come in a partition, and what is still before it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One partition of a worker, as its consumer sees it. Offsets are those of the next record.

    `committed` is None before the first commit; `acked` is where everything before it is done; `fetched` is None
    before the first fetch. `unacked` counts the records that were delivered and are not done; `oldest` is the time of
    the first of them, in milliseconds since the epoch.
    """

    committed: int | None
    acked: int | None
    fetched: int | None
    unacked: int = 0
    oldest: int | None = None

    @property
    def is_commit_due(self) -> bool:
        """Whether work is done that no commit says yet."""
        return self.acked is not None and self.acked > (self.committed or 0)

    def lag(self, end: int | None) -> int:
        """How many records wait, where the partition ends at `end`.

        Those that were fetched are counted; of the others the offsets are, which markers of transactions occupy too
        until they are passed.
        """
        ahead = 0 if end is None or self.fetched is None else max(end - self.fetched, 0)
        return self.unacked + ahead
