"""Partitions and sizes of what is published."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams import topics
from streams.runtime.batch import Batch
from streams.runtime.errors import RecordTooLargeError
from streams.runtime.publisher import partition_of

COUNTS = {topics.EVENT_ACCEPTED: 8, topics.DEAD_LETTER: 8}


@given(st.binary(), st.integers(1, 64))
def test_a_key_goes_where_every_other_client_would_send_it(key: bytes, count: int) -> None:
    partitions = list(range(count))

    assert partition_of(key, count) == DefaultPartitioner()(key, partitions, partitions)


def test_a_record_that_its_topic_would_refuse_is_refused_at_once() -> None:
    batch = Batch("stage", [], COUNTS, None)

    with pytest.raises(RecordTooLargeError, match=r"1000001 bytes does not fit into event\.accepted"):
        batch.emit(topics.EVENT_ACCEPTED, b"k", bytes(1_000_000))


def test_a_record_for_every_partition_is_written_once_to_each() -> None:
    batch = Batch("stage", [], COUNTS, None)

    batch.emit_everywhere(topics.EVENT_ACCEPTED, None, b"v")

    assert sorted(batch.outputs) == [(topics.EVENT_ACCEPTED, partition) for partition in range(8)]
