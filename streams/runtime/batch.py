"""What an agent works on: records in, and what is to become of them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from streams import topics
from streams.partitions import partition_of
from streams.runtime.dead_letters import dead_letter
from streams.runtime.fetched import Record
from streams.runtime.publisher import NO_HEADERS, Headers, Out, check_size
from streams.runtime.table import BatchTable

Changes = Mapping[int, Mapping[bytes, bytes | None]]
"""Changes of a table by partition; None deletes a key."""
NO_CHANGES: Final[Changes] = {}
_TURN: Final = 64  # records


class Batch:
    """Records of one or more partitions, with the outputs and table changes that follow from them.

    Nothing leaves before the agent's function returned; table changes are acknowledged before outputs leave.
    """

    __slots__ = ("_ahead", "_changes", "_outputs", "_partitions", "_table", "dead", "records", "stage")

    def __init__(
        self,
        stage: str,
        records: Sequence[Record],
        partitions: dict[str, int],
        table: BatchTable | None,
        ahead: Changes = NO_CHANGES,
    ) -> None:
        """`ahead`: changes that are being written to the table."""
        self.stage = stage
        self.records = records
        self.dead = 0
        self._partitions = partitions
        self._table = table
        self._ahead = ahead
        self._outputs: defaultdict[tuple[str, int], list[Out]] = defaultdict(list)
        self._changes: defaultdict[int, dict[bytes, bytes | None]] = defaultdict(dict)

    async def __aiter__(self) -> AsyncIterator[Record]:
        """The records, with a turn for everybody else every few of them: what was decided before goes out meanwhile."""
        for start in range(0, len(self.records), _TURN):
            for record in self.records[start : start + _TURN]:
                yield record
            await asyncio.sleep(0)

    def emit(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = NO_HEADERS,
        *,
        partition: int | None = None,
    ) -> None:
        """Write a record to a declared output topic once the agent is done.

        Without a key or partition it goes to partition 0. Raises RecordTooLargeError.
        """
        check_size(topic, key, value, headers)
        if partition is None:
            partition = partition_of(key, self._partitions[topic]) if key is not None else 0
        self._outputs[topic, partition].append(Out(key, value, headers))

    def emit_everywhere(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = NO_HEADERS
    ) -> None:
        """Write a record to every partition of a topic."""
        for partition in range(self._partitions[topic]):
            self.emit(topic, key, value, headers, partition=partition)

    def reject(self, record: Record, error: BaseException) -> None:
        """Send a record to `dead.letter`, with the error as its reason."""
        letter = dead_letter(self.stage, record, error)
        place = topics.DEAD_LETTER, partition_of(letter.key or b"", self._partitions[topics.DEAD_LETTER])
        self._outputs[place].append(letter)
        self.dead += 1

    def forget(self) -> None:
        """Let nothing of what was emitted, rejected or stored so far happen."""
        self._outputs.clear()
        self._changes.clear()
        self.dead = 0

    def lookup(self, record: Record, key: bytes) -> bytes | None:
        """The table's value of a key in the record's partition; changes of this batch and the one before are seen."""
        partition = record.partition
        for changes in (self._changes, self._ahead):
            if (here := changes.get(partition)) is not None and key in here:
                return here[key]
        return self._table.get(partition, key) if self._table is not None else None

    def store(self, record: Record, key: bytes, value: bytes | None) -> None:
        """Set a key of the table in the record's partition (None deletes it)."""
        self._changes[record.partition][key] = value

    @property
    def outputs(self) -> dict[tuple[str, int], list[Out]]:
        """What is to be written, by topic and partition."""
        return self._outputs

    @property
    def changes(self) -> Changes:
        """Table changes by partition."""
        return self._changes
