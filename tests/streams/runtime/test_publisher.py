"""What a batch lets through to be published."""

import pytest

from streams import topics
from streams.runtime.batch import Batch
from streams.runtime.errors import RecordTooLargeError

COUNTS = {topics.EVENT_ACCEPTED: 8, topics.DEAD_LETTER: 8}


def test_a_record_that_its_topic_would_refuse_is_refused_at_once() -> None:
    batch = Batch("stage", [], COUNTS, None)

    with pytest.raises(RecordTooLargeError, match=r"1000001 bytes does not fit into event\.accepted"):
        batch.emit(topics.EVENT_ACCEPTED, b"k", bytes(1_000_000))


def test_a_record_for_every_partition_is_written_once_to_each() -> None:
    batch = Batch("stage", [], COUNTS, None)

    batch.emit_everywhere(topics.EVENT_ACCEPTED, None, b"v")

    assert sorted(batch.outputs) == [(topics.EVENT_ACCEPTED, partition) for partition in range(8)]
